//! `http`: calls a URL.
//!
//! Invariant: unless the configuration allows it, no packet goes to an address that is not public:
//! not by a literal in any spelling, not by a name, not by a redirect (there are none) and not by a
//! proxy from the environment (it is not read).

mod address;
mod reply;
mod resolver;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use async_trait::async_trait;
use domain::LogLevel;
use reqwest::{
    Client, Method, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde::Deserialize;
use serde_json::Value;

use super::{AttemptContext, Handler, Outcome, read};
pub(super) use reply::retry_after_ms;
use resolver::{CheckedResolver, Forbidden};

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The handler.
pub struct Http {
    allow_private: bool,
    client: Client,
}

/// What it is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    /// A string is sent as it is, anything else as JSON.
    #[serde(default)]
    body: Option<Value>,
    /// The one status that is a success; any 2xx if absent.
    #[serde(default)]
    expect_status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// `GET` if absent.
    #[serde(default)]
    method: Option<String>,
    url: String,
}

/// A call that may be made.
struct Call {
    body: Option<Vec<u8>>,
    expect_status: Option<u16>,
    headers: HeaderMap,
    method: Method,
    url: Url,
}

/// A client that follows no redirect and no proxy, and reaches names only where they may lead.
pub(super) fn client(allow_private: bool) -> Result<Client, reqwest::Error> {
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .dns_resolver(CheckedResolver { allow_private })
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("almanac/", env!("CARGO_PKG_VERSION")))
        .build()
}

impl Http {
    /// One that calls private addresses only if that is allowed.
    pub fn try_new(allow_private: bool) -> Result<Self, reqwest::Error> {
        Ok(Self {
            allow_private,
            client: client(allow_private)?,
        })
    }

    async fn call(&self, mut call: Call, context: &AttemptContext) -> Outcome {
        // The same for every attempt, so that the other side can tell a repeat.
        if let Ok(key) = HeaderValue::from_str(&context.task.to_string()) {
            call.headers.entry("idempotency-key").or_insert(key);
        }
        // Paths and queries may hold what opens a door; who is called does not.
        let whom = call.url.origin().ascii_serialization();
        let calls = format!("calls {whom} with {}", call.method);
        context.report.log(LogLevel::Info, calls);
        let mut request = self
            .client
            .request(call.method, call.url)
            .headers(call.headers);
        if let Some(body) = call.body {
            request = request.body(body);
        }
        match request.send().await {
            Ok(response) => {
                let answers = format!("the reply is {}", response.status());
                context.report.log(LogLevel::Info, answers);
                reply::read(response, call.expect_status).await
            }
            Err(reason) => failed(&reason),
        }
    }
}

#[async_trait]
impl Handler for Http {
    async fn run(&self, payload: Value, context: &AttemptContext) -> Outcome {
        let call = match read(payload).and_then(|payload| prepare(payload, self.allow_private)) {
            Ok(call) => call,
            Err(outcome) => return outcome,
        };
        tokio::select! {
            () = context.cancel.cancelled() => Outcome::stopped(),
            outcome = self.call(call, context) => outcome,
        }
    }
}

fn prepare(payload: Payload, allow_private: bool) -> Result<Call, Outcome> {
    let invalid = |what: &str| Outcome::fail("invalid_payload", what);
    let url = check_url(&payload.url, allow_private)?;
    let method = payload.method.as_deref().unwrap_or("GET");
    let method = Method::from_bytes(method.as_bytes())
        .ok()
        .filter(|method| *method != Method::CONNECT && *method != Method::TRACE)
        .ok_or_else(|| invalid("method is not one that can be called"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &payload.headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| invalid("a header's name is not one"))?;
        let value =
            HeaderValue::from_str(value).map_err(|_| invalid("a header's value is not one"))?;
        headers.insert(name, value);
    }
    // The name that was checked is the name that is asked for.
    if headers.contains_key("host") {
        return Err(invalid("the host comes from the url, not from a header"));
    }
    let body = payload.body.map(|body| match body {
        Value::String(text) => text.into_bytes(),
        other => {
            headers
                .entry("content-type")
                .or_insert(HeaderValue::from_static("application/json"));
            other.to_string().into_bytes()
        }
    });
    Ok(Call {
        body,
        expect_status: payload.expect_status,
        headers,
        method,
        url,
    })
}

/// The URL in its one spelling, if it may be called. Hosts that are numbers in any base are
/// addresses once they are parsed (WHATWG URL, host parsing), so they are checked here; names when
/// resolved.
pub(super) fn check_url(text: &str, allow_private: bool) -> Result<Url, Outcome> {
    let refused = |why: &str| Outcome::fail("url_refused", why);
    let url = Url::parse(text).map_err(|reason| Outcome::fail("invalid_payload", reason))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("only http and https can be called"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("a url with user information is not called"));
    }
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    let forbidden = match literal.parse::<IpAddr>() {
        Ok(address) => !address::is_public(address),
        Err(_) => is_localhost(literal),
    };
    if forbidden && !allow_private {
        return Err(refused(&Forbidden.to_string()));
    }
    Ok(url)
}

/// Names that mean this machine whatever a resolver says (RFC 6761).
fn is_localhost(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    host == "localhost" || host.ends_with(".localhost")
}

/// The end of a call that got no answer.
pub(super) fn failed(reason: &reqwest::Error) -> Outcome {
    let causes = || {
        let first: &dyn std::error::Error = reason;
        std::iter::successors(Some(first), |cause| cause.source())
    };
    if causes().any(<dyn std::error::Error>::is::<Forbidden>) {
        return Outcome::fail("url_refused", Forbidden);
    }
    // The innermost cause says most; the outer ones repeat the URL, which may hold a secret.
    let message = causes()
        .last()
        .map_or_else(String::new, ToString::to_string);
    let code = if reason.is_connect() {
        "connect_failed"
    } else {
        "call_failed"
    };
    Outcome::retry(code, message)
}
