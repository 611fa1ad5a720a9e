//! The live stream, read as server-sent events.
//!
//! Invariant: messages come in the order they were sent; comments are skipped.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Api;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub id: Option<String>,
    pub event: String,
    pub data: Value,
}

/// An open stream.
#[derive(Debug)]
pub struct Stream {
    response: reqwest::Response,
    text: Vec<u8>,
}

impl Stream {
    /// Opens it; after a position, or from now on.
    pub async fn open(api: &Api, after: Option<u64>) -> Result<Self> {
        let after = after.map(|after| after.to_string());
        Self::follow(api, "/stream", after.as_deref()).await
    }

    /// The same of any stream, after the message with that id.
    pub async fn follow(api: &Api, path: &str, after: Option<&str>) -> Result<Self> {
        let mut ask = api.ask("GET", path)?;
        ask = ask.header("accept", "text/event-stream");
        if let Some(after) = after {
            ask = ask.header("last-event-id", after);
        }
        let response = ask.open().await?;
        ensure!(
            response.status() == 200,
            "the stream answers {}",
            response.status()
        );
        let kind = response.headers().get("content-type");
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        ensure!(
            kind.starts_with("text/event-stream"),
            "the stream is {kind}"
        );
        Ok(Self {
            response,
            text: Vec::new(),
        })
    }

    /// The next message.
    pub async fn next(&mut self, limit: Duration) -> Result<Message> {
        tokio::time::timeout(limit, self.message())
            .await
            .context("the stream stays silent")?
    }

    async fn message(&mut self) -> Result<Message> {
        loop {
            while let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.text.drain(..end + 2).collect();
                if let Some(message) = parse(&String::from_utf8(block)?)? {
                    return Ok(message);
                }
            }
            let chunk = self.response.chunk().await?;
            self.text.extend(chunk.context("the stream ended")?);
        }
    }
}

/// None for a comment.
fn parse(block: &str) -> Result<Option<Message>> {
    let (mut id, mut event, mut data) = (None, String::new(), String::new());
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => id = Some(value.to_owned()),
            "event" => value.clone_into(&mut event),
            "data" => data.push_str(value),
            _ => {}
        }
    }
    if data.is_empty() {
        return Ok(None);
    }
    let data = serde_json::from_str(&data).context("a message holds JSON")?;
    Ok(Some(Message { id, event, data }))
}
