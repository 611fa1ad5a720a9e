//! Lists that are followed, by whoever has them and by a stranger.
//!
//! Invariant: whoever follows a list of their own hears of what they make in it, so that silence
//! about what others make says something.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use super::tenant::{Tenant, password};

/// How long something may take to be told.
pub const TOLD_WITHIN: Duration = Duration::from_secs(20);
/// What can be followed, and what narrows it to what both of them make.
pub const COLLECTIONS: [(&str, Option<(&str, &str)>); 5] = [
    ("jobs", Some(("q", "live-list"))),
    ("resource-types", None),
    ("resources", Some(("q", "live-list"))),
    ("tasks", Some(("kind", "echo"))),
    ("users", Some(("role", "viewer"))),
];

/// Makes one thing in `collection`; the word by which whoever is told of it is told.
pub async fn make(who: &Tenant, collection: &str, count: usize) -> Result<String> {
    let name = format!("{}-live-list-{count}", who.mark);
    let body = match collection {
        "jobs" => json!({
            "name": name, "task": {"kind": "echo"},
            "schedule": {"type": "once", "at": "2099-01-01T00:00:00.000Z"},
        }),
        "resource-types" => json!({"name": name, "schema": {"type": "object"}}),
        "resources" => json!({"type": name, "name": name}),
        "tasks" => json!({"kind": "echo", "payload": {"say": name}}),
        "users" => json!({
            "email": format!("{name}@example.org"), "name": name, "role": "viewer",
            "password": password(&who.mark),
        }),
        other => bail!("{other} is no list"),
    };
    let made = who.api.post(&format!("/{collection}"), &body).await?;
    let made = made.expect(201)?;
    if collection == "resource-types" {
        return Ok(name);
    }
    made.string("/id")
}

/// Somebody's socket and all that they heard.
pub struct Socket {
    pub heard: Vec<Value>,
    opened: WebSocketStream<TcpStream>,
}

impl Socket {
    pub async fn open(who: &Tenant) -> Result<Self> {
        let address = who.api.gateway().trim_start_matches("http://");
        let mut request = format!("ws://{address}/api/v1/ws").into_client_request()?;
        let bearer = format!("Bearer {}", who.api.bearer()).parse()?;
        request.headers_mut().insert("authorization", bearer);
        let stream = TcpStream::connect(address).await?;
        let (opened, _) = client_async(request, stream).await?;
        let heard = Vec::new();
        Ok(Self { heard, opened })
    }

    /// Follows a list until all its rows are there.
    pub async fn follow(
        &mut self,
        name: &str,
        collection: &str,
        narrowed: Option<(&str, &str)>,
        resume: Option<&str>,
    ) -> Result<()> {
        let filter: Value = match narrowed {
            None => json!({}),
            Some((parameter, value)) => json!({parameter: value}),
        };
        let wanted = json!({"type": "subscribe", "subscription": name, "collection": collection,
            "filter": filter, "resume": resume});
        let text = Message::Text(wanted.to_string().into());
        self.opened.send(text).await?;
        self.until(&format!("all rows of {name}"), |message| {
            message["type"] == "complete" && message["subscription"] == name
        })
        .await
    }

    /// Hears what is said of the list `name` until `word` is.
    pub async fn told(&mut self, name: &str, word: &str) -> Result<()> {
        self.until(&format!("{word} in {name}"), |message| {
            message["subscription"] == name && message.to_string().contains(word)
        })
        .await
    }

    async fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Result<()> {
        if self.heard.iter().any(&fits) {
            return Ok(());
        }
        // Heartbeats come all the time: they put nothing off.
        let limit = Instant::now() + TOLD_WITHIN;
        loop {
            let message = timeout_at(limit, self.opened.next()).await;
            let message = message.with_context(|| format!("never heard: {what}"))?;
            let message = message.with_context(|| format!("closed before {what}"))??;
            let Message::Text(text) = message else {
                continue;
            };
            let message: Value = serde_json::from_str(&text)?;
            ensure!(message["type"] != "error", "{what}: {message}");
            let done = fits(&message);
            self.heard.push(message);
            if done {
                return Ok(());
            }
        }
    }

    /// Whether all rows of a list of this name were heard.
    pub fn follows(&self, name: &str) -> bool {
        self.heard
            .iter()
            .any(|message| message["subscription"] == name)
    }

    /// Where the list `name` would go on.
    pub fn resume(&self, name: &str) -> Result<String> {
        let of_it =
            |message: &&Value| message["subscription"] == name && message["resume"].is_string();
        let last = self.heard.iter().rev().find(of_it);
        let last = last.with_context(|| format!("{name} has no place to go on"))?;
        Ok(last["resume"].as_str().unwrap_or_default().to_owned())
    }
}
