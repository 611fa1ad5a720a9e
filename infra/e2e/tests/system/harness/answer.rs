//! What the system answered.
//!
//! Invariant: an answer is kept as it came, byte for byte; looking at it never changes it.

use anyhow::{Context, Result, ensure};
use reqwest::header::HeaderMap;
use serde_json::Value;

/// Words that only somebody who reads our source or our servers' messages should see.
const INTERNALS: [&str; 7] = [
    "src/",
    "panicked",
    "sqlx",
    "nats:",
    "postgres://",
    "JetStream",
    "SQL",
];

/// A complete answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Method and path that were asked.
    pub asked: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// The answer, if it has this status.
    pub fn expect(self, status: u16) -> Result<Self> {
        let Self {
            asked, status: got, ..
        } = &self;
        ensure!(
            *got == status,
            "{asked}: {got}, expected {status}: {}",
            self.text()
        );
        Ok(self)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{}: no JSON: {}", self.asked, self.text()))
    }

    /// A header that must be there.
    pub fn header(&self, name: &str) -> Result<&str> {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.with_context(|| format!("{}: no header {name}", self.asked))
    }

    /// The token that makes a read see what this answer speaks of.
    pub fn token(&self) -> Result<&str> {
        self.header("consistency-token")
    }

    /// A member of the body that must be a string.
    pub fn string(&self, pointer: &str) -> Result<String> {
        let json = self.json()?;
        let value = json.pointer(pointer).and_then(Value::as_str);
        let value = value.with_context(|| format!("{}: no {pointer} in {json}", self.asked))?;
        Ok(value.to_owned())
    }

    /// The body as the problem that it must be (RFC 9457), complete and without internals.
    pub fn problem(&self, status: u16, code: &str) -> Result<Value> {
        let Self { asked, .. } = self;
        let text = self.text();
        ensure!(
            self.status == status,
            "{asked}: {}, expected {status}: {text}",
            self.status
        );
        let kind = self.header("content-type")?;
        ensure!(
            kind.starts_with("application/problem+json"),
            "{asked}: a problem as {kind}"
        );
        let problem = self.json()?;
        let member = |name: &str| problem[name].as_str().unwrap_or_default();
        ensure!(member("code") == code, "{asked}: expected {code}: {text}");
        ensure!(
            problem["status"] == status,
            "{asked}: another status inside: {text}"
        );
        let page = format!("/problems/{}", code.to_lowercase().replace('_', "-"));
        ensure!(
            member("type") == page,
            "{asked}: the type is not {page}: {text}"
        );
        for name in ["title", "detail", "instance", "request_id"] {
            ensure!(!member(name).is_empty(), "{asked}: no {name}: {text}");
        }
        ensure!(
            problem["retryable"].is_boolean(),
            "{asked}: retryable? {text}"
        );
        let request = self.header("request-id")?;
        ensure!(
            member("request_id") == request,
            "{asked}: other request id: {text}"
        );
        let leak = INTERNALS.iter().find(|word| text.contains(*word));
        ensure!(
            leak.is_none(),
            "{asked}: tells internals ({leak:?}): {text}"
        );
        Ok(problem)
    }
}
