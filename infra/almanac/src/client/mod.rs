//! Speaks to a gateway over its REST API.
//!
//! Invariant: what is sent again is idempotent: puts, reads and deletions; and a read sees what
//! this client wrote before.

mod consistency;
mod error;
mod retry;
#[cfg(test)]
pub mod testing;

use std::time::{Duration, Instant};

use reqwest::{Method, Response, Url};
use schemas::api::{Login, Page, Session};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::Mutex;

pub use error::ClientError;
use retry::{Next, next};

/// How long one exchange may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest page of a list.
const PAGE: &str = "200";

/// A signed-in user of one gateway.
pub struct Client {
    base: Url,
    credentials: Login,
    http: reqwest::Client,
    state: Mutex<State>,
}

/// What the gateway said.
struct State {
    /// The latest token of those heard, in whatever order the answers came.
    consistency: Option<String>,
    token: SecretString,
}

/// One request; `body` is JSON.
struct Ask<'a> {
    body: Option<&'a Value>,
    method: Method,
    path: &'a str,
    query: &'a [(&'a str, &'a str)],
}

impl Client {
    /// Signs in at the gateway at `base`, such as `http://127.0.0.1:8080`.
    pub async fn sign_in(
        base: &str,
        email: &str,
        password: &SecretString,
    ) -> Result<Self, ClientError> {
        Self::sign_in_to(base, None, email, password).await
    }

    /// The same, as a user of the tenant with this slug; of the main one if none.
    pub async fn sign_in_to(
        base: &str,
        tenant: Option<&str>,
        email: &str,
        password: &SecretString,
    ) -> Result<Self, ClientError> {
        let base = Url::parse(base).map_err(|_| ClientError::NoUrl(base.to_owned()))?;
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .build();
        let http = http.map_err(|reason| ClientError::unreachable(&base, &reason))?;
        let client = Self {
            base,
            credentials: Login {
                email: email.to_owned(),
                password: password.expose_secret().to_owned(),
                tenant: tenant.map(str::to_owned),
            },
            http,
            state: Mutex::new(State {
                consistency: None,
                token: SecretString::default(),
            }),
        };
        client.renew().await?;
        Ok(client)
    }

    /// The present access token.
    pub async fn token(&self) -> SecretString {
        self.state.lock().await.token.clone()
    }

    /// Puts `body` in the place `path`, and gives what is there now.
    pub async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_value(body).expect("bodies of the API always encode");
        decoded(self.send(Ask::new(Method::PUT, path, Some(&body))).await?).await
    }

    /// Asks for something to be done that is done only once however often it is asked.
    pub async fn post_idempotent(&self, path: &str, body: &Value) -> Result<(), ClientError> {
        self.send(Ask::new(Method::POST, path, Some(body)))
            .await
            .map(drop)
    }

    /// Deletes what is at `path`; that there is nothing is as good.
    pub async fn delete(&self, path: &str) -> Result<(), ClientError> {
        match self.send(Ask::new(Method::DELETE, path, None)).await {
            Err(error) if error.is_not_found() => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Everything in the list `path` that fits `query`, page by page.
    pub async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, ClientError> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = query.to_vec();
            query.push(("limit", PAGE));
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let response = self.send(Ask {
                query: &query,
                ..Ask::new(Method::GET, path, None)
            });
            let page: Page<T> = decoded(response.await?).await?;
            items.extend(page.items);
            match page.page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(items),
            }
        }
    }

    async fn renew(&self) -> Result<(), ClientError> {
        let login = serde_json::to_value(&self.credentials).expect("a login always encodes");
        let ask = Ask::new(Method::POST, "/auth/login", Some(&login));
        let session: Session = decoded(self.persist(&ask, false).await?).await?;
        self.state.lock().await.token = session.access_token.into();
        Ok(())
    }

    /// Signs in anew once if the token has expired meanwhile.
    async fn send(&self, ask: Ask<'_>) -> Result<Response, ClientError> {
        let answer = match self.persist(&ask, true).await {
            Err(error) if error.is_unauthenticated() => {
                self.renew().await?;
                self.persist(&ask, true).await
            }
            answer => answer,
        }?;
        if let Some(token) = answer.headers().get("consistency-token") {
            let token = token.to_str().unwrap_or_default().to_owned();
            let mut state = self.state.lock().await;
            state.consistency = Some(consistency::later(state.consistency.take(), token));
        }
        Ok(answer)
    }

    /// Asks again while the gateway says that it may help.
    async fn persist(&self, ask: &Ask<'_>, signed_in: bool) -> Result<Response, ClientError> {
        let began = Instant::now();
        loop {
            let answer = self.once(ask, signed_in).await;
            match next(&answer, began.elapsed()) {
                Next::Wait(pause) => tokio::time::sleep(pause).await,
                Next::Take => {
                    let answer = answer.map_err(|e| ClientError::unreachable(&self.base, &e))?;
                    return error::checked(answer).await;
                }
            }
        }
    }

    async fn once(&self, ask: &Ask<'_>, signed_in: bool) -> reqwest::Result<Response> {
        let mut url = self.base.clone();
        url.set_path(&format!("/api/v1{}", ask.path));
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let mut request = self.http.request(ask.method.clone(), url);
        if signed_in {
            let state = self.state.lock().await;
            request = request.bearer_auth(state.token.expose_secret());
            if let Some(token) = state
                .consistency
                .as_ref()
                .filter(|_| ask.method == Method::GET)
            {
                request = request
                    .header("consistency-token", token)
                    .header("prefer", "wait=10");
            }
        }
        if let Some(body) = ask.body {
            request = request.json(body);
        }
        request.send().await
    }
}

impl<'a> Ask<'a> {
    fn new(method: Method, path: &'a str, body: Option<&'a Value>) -> Self {
        Self {
            body,
            method,
            path,
            query: &[],
        }
    }
}

async fn decoded<T: DeserializeOwned>(response: Response) -> Result<T, ClientError> {
    let status = response.status().as_u16();
    response
        .json()
        .await
        .map_err(|reason| ClientError::Strange {
            status,
            detail: reason.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use testing::{Answer, Gateway};

    #[tokio::test]
    async fn a_read_follows_the_latest_write_whichever_was_answered_last() {
        let later = "AAAAAAAAAQAAAAAAAAAAAA";
        let earlier = "AAAAAAAAAP8AAAAAAAAAAA";
        let gateway = Gateway::start(move |asked| {
            let token = if asked.path.ends_with('1') {
                later
            } else {
                earlier
            };
            Answer::nothing().with_token(token)
        });
        let gateway = gateway.await;
        for path in ["/jobs/1", "/jobs/2"] {
            gateway
                .client
                .put::<Value>(path, &json!({}))
                .await
                .expect("put");
        }
        gateway
            .client
            .list::<Value>("/jobs", &[])
            .await
            .expect("listed");
        let asked = gateway.asked();
        let read = asked.last().expect("asked");
        assert_eq!(read.token.as_deref(), Some(later));
    }
}
