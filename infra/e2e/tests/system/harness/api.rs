//! A client of the HTTP API, as plain as they come.
//!
//! Invariant: it sends what it is told and repeats nothing by itself.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::Answer;

/// Longer than any answer may take.
const LIMIT: Duration = Duration::from_secs(30);
const BASE: &str = "/api/v1";

/// Speaks with one gateway, as one user or as nobody.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    gateway: String,
    bearer: Option<String>,
}

/// A request being made.
#[derive(Debug)]
pub struct Ask {
    asked: String,
    request: RequestBuilder,
}

impl Api {
    /// As nobody.
    pub fn at(gateway: &str) -> Result<Self> {
        Ok(Self {
            client: Client::builder().no_proxy().build()?,
            gateway: gateway.trim_end_matches('/').to_owned(),
            bearer: None,
        })
    }

    /// As whoever this token belongs to.
    pub fn with_bearer(&self, token: &str) -> Self {
        let mut api = self.clone();
        api.bearer = Some(token.to_owned());
        api
    }

    /// As the user with this address and password.
    pub async fn sign_in(&self, email: &str, password: &str) -> Result<Self> {
        let wanted = json!({"email": email, "password": password});
        let session = self.post("/auth/login", &wanted).await?.expect(200)?;
        Ok(self.with_bearer(&session.string("/access_token")?))
    }

    /// The access token.
    pub fn bearer(&self) -> &str {
        self.bearer.as_deref().unwrap_or_default()
    }

    /// The gateway's address, without a slash at its end.
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// A request; the path begins after `/api/v1`, or is a whole one outside of it after `!`.
    pub fn ask(&self, method: &str, path: &str) -> Result<Ask> {
        let whole = match path.strip_prefix('!') {
            Some(path) => path.to_owned(),
            None => format!("{BASE}{path}"),
        };
        let method = Method::from_bytes(method.as_bytes())?;
        let mut request = self
            .client
            .request(method.clone(), format!("{}{whole}", self.gateway))
            .timeout(LIMIT);
        if let Some(token) = &self.bearer {
            request = request.bearer_auth(token);
        }
        Ok(Ask {
            asked: format!("{method} {whole}"),
            request,
        })
    }

    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.ask("GET", path)?.send().await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.ask("POST", path)?.json(body).send().await
    }

    /// A read that sees what `seen` speaks of, however long the read models take within reason.
    pub async fn get_after(&self, path: &str, seen: &Answer) -> Result<Answer> {
        let ask = self.ask("GET", path)?;
        let ask = ask.header("consistency-token", seen.token()?);
        ask.header("prefer", "wait=10").send().await
    }

    /// Every object of a list, page by page, as it is after `seen`.
    pub async fn list_after(&self, path: &str, seen: &Answer) -> Result<Vec<Value>> {
        let mut objects = Vec::new();
        let joint = if path.contains('?') { '&' } else { '?' };
        let first = format!("{path}{joint}limit=200");
        let mut at = first.clone();
        loop {
            let page = self.get_after(&at, seen).await?.expect(200)?.json()?;
            let items = page["items"].as_array().context("a list has items")?;
            objects.extend(items.iter().cloned());
            match page["page"]["next"].as_str() {
                None => return Ok(objects),
                Some(next) => at = format!("{first}&cursor={next}"),
            }
        }
    }

    /// Writes one commit and tells the position that the read models have then reached.
    pub async fn position_after_mark(&self) -> Result<u64> {
        let mark = json!({"type": "mark", "name": "mark"});
        let marked = self.post("/resources", &mark).await?.expect(201)?;
        let stats = self
            .get_after("/stats", &marked)
            .await?
            .expect(200)?
            .json()?;
        stats["position"].as_u64().context("stats have a position")
    }
}

impl Ask {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.request = self.request.json(body);
        self
    }

    /// A body as it stands; its type is a header's matter.
    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.request = self.request.body(body);
        self
    }

    /// Sends it; an error means that no complete answer came.
    pub async fn send(self) -> Result<Answer> {
        let Self { asked, request } = self;
        let response = request.send().await.with_context(|| asked.clone())?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.with_context(|| asked.clone())?;
        Ok(Answer {
            asked,
            status,
            headers,
            body: body.to_vec(),
        })
    }

    /// Sends it for an answer without end.
    pub async fn open(self) -> Result<reqwest::Response> {
        let response = self.request.timeout(Duration::from_mins(5)).send();
        response.await.with_context(|| self.asked)
    }
}
