//! Publishing one commit, and several as one atomic batch (ADR-50 of NATS).
//!
//! Invariant: every answer is understood as stored, not stored, or unknown; nothing is guessed from
//! the words of an error.

use std::time::Duration;

use async_nats::{
    Client, HeaderMap, HeaderName, Request, client::RequestErrorKind, connection::State,
};
use schemas::{Meta, Position, StreamId};
use serde::Deserialize;
use uuid::Uuid;

use crate::{AppendError, Entry, NewCommit, headers, subject};

/// How long to wait for the server's word.
const ACK_TIMEOUT: Duration = Duration::from_secs(5);

static BATCH_COMMIT: HeaderName = HeaderName::from_static("Nats-Batch-Commit");
static BATCH_ID: HeaderName = HeaderName::from_static("Nats-Batch-Id");
static BATCH_SEQUENCE: HeaderName = HeaderName::from_static("Nats-Batch-Sequence");
static EXPECTED_SUBJECT_SEQUENCE: HeaderName =
    HeaderName::from_static("Nats-Expected-Last-Subject-Sequence");
static EXPECTED_SEQUENCE: HeaderName = HeaderName::from_static("Nats-Expected-Last-Sequence");
static EXPECTED_STREAM: HeaderName = HeaderName::from_static("Nats-Expected-Stream");
static MESSAGE_ID: HeaderName = HeaderName::from_static("Nats-Msg-Id");

/// The server's word on a publish.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ack {
    Error {
        error: AckError,
    },
    Stored {
        /// How many messages a batch had.
        count: Option<usize>,
        /// Whether the id had been seen, so that nothing was stored now.
        #[serde(default)]
        duplicate: bool,
        seq: u64,
    },
}

#[derive(Deserialize)]
struct AckError {
    code: u16,
    description: String,
    err_code: u32,
}

/// What is sent to the server.
struct Message {
    headers: HeaderMap,
    payload: Vec<u8>,
    subject: String,
}

/// Stores one commit.
pub(super) async fn single(client: &Client, commit: &NewCommit) -> Result<Position, AppendError> {
    let (last, _) = request(client, commit.into()).await?;
    Ok(Position(last))
}

/// Stores all commits or none; there is at least one.
pub(super) async fn batch(
    client: &Client,
    commits: &[NewCommit],
) -> Result<Vec<Position>, AppendError> {
    let messages = commits.iter().map(Message::from).collect();
    let position = together(client, messages).await?;
    let first = position + 1 - commits.len() as u64;
    Ok((first..=position).map(Position).collect())
}

/// Stores all entries right after `after` or none; there is at least one.
pub(super) async fn restore(
    client: &Client,
    after: Position,
    entries: &[Entry],
) -> Result<(), AppendError> {
    let mut messages: Vec<_> = entries.iter().map(Message::from).collect();
    if let Some(first) = messages.first_mut() {
        // The others of a batch follow it, and nothing comes between.
        first
            .headers
            .insert(EXPECTED_SEQUENCE.clone(), after.to_string());
    }
    let until = Position(after.0 + entries.len() as u64);
    let stored = together(client, messages).await?;
    if stored == until.0 {
        return Ok(());
    }
    let words = format!("stored up to position {stored}, which should be {until}");
    Err(AppendError::Unknown(words))
}

/// Stores all messages as one batch; says where the last of them is.
async fn together(client: &Client, mut messages: Vec<Message>) -> Result<u64, AppendError> {
    let count = messages.len();
    let Some(last) = messages.pop() else {
        return Err(AppendError::Refused("nothing to store".to_owned()));
    };
    connected(client)?;
    // Never used twice: the server would take members of two senders for one batch.
    let id = Uuid::from_bytes(runtime::random::bytes())
        .simple()
        .to_string();
    for (message, at) in messages.into_iter().zip(1..) {
        let headers = batched(message.headers, &id, at);
        client
            .publish_with_headers(message.subject, headers, message.payload.into())
            .await
            .map_err(|reason| AppendError::Unavailable(reason.to_string()))?;
    }
    let mut headers = batched(last.headers, &id, count);
    headers.insert(BATCH_COMMIT.clone(), "1");
    let last = Message { headers, ..last };
    let (position, stored) = request(client, last).await?;
    if stored != Some(count) {
        let words = format!("{count} were sent as one batch, the server speaks of {stored:?}");
        return Err(AppendError::Unknown(words));
    }
    Ok(position)
}

impl From<&NewCommit> for Message {
    fn from(commit: &NewCommit) -> Self {
        let mut headers = headers_of(commit.stream, &commit.meta);
        headers.insert(
            EXPECTED_SUBJECT_SEQUENCE.clone(),
            commit.expected.to_string(),
        );
        Self {
            headers,
            payload: commit.payload.clone(),
            subject: subject::of(commit.stream),
        }
    }
}

impl From<&Entry> for Message {
    fn from(entry: &Entry) -> Self {
        match entry {
            Entry::Commit(commit) => Self {
                headers: headers_of(commit.stream, &commit.meta),
                payload: commit.payload.clone(),
                subject: subject::of(commit.stream),
            },
            Entry::Unreadable(message) => {
                let mut headers = HeaderMap::new();
                headers.insert(EXPECTED_STREAM.clone(), subject::EVENTS);
                Self {
                    headers,
                    payload: message.payload.clone(),
                    subject: message.subject.clone(),
                }
            }
        }
    }
}

fn headers_of(stream: StreamId, meta: &Meta) -> HeaderMap {
    let mut headers = headers::write(meta);
    // One command may touch several aggregates, and one command id may be used by two tenants.
    let id = format!("{}.{}", meta.command, subject::of(stream));
    headers.insert(MESSAGE_ID.clone(), id);
    headers.insert(EXPECTED_STREAM.clone(), subject::EVENTS);
    headers
}

fn batched(mut headers: HeaderMap, id: &str, sequence: usize) -> HeaderMap {
    headers.insert(BATCH_ID.clone(), id);
    headers.insert(BATCH_SEQUENCE.clone(), sequence.to_string());
    headers
}

/// Sends a message and says where it, the last of a batch, was stored and how many the batch had.
async fn request(client: &Client, message: Message) -> Result<(u64, Option<usize>), AppendError> {
    connected(client)?;
    let request = Request::new()
        .headers(message.headers)
        .payload(message.payload.into())
        .timeout(Some(ACK_TIMEOUT));
    let answer = client.send_request(message.subject, request).await;
    let answer = answer.map_err(|reason| match reason.kind() {
        RequestErrorKind::NoResponders => AppendError::Unavailable("no stream listens".into()),
        _ => AppendError::Unknown(reason.to_string()),
    })?;
    match serde_json::from_slice(&answer.payload) {
        // A cluster looks at the id before the expectation: what this means the log tells.
        Ok(Ack::Stored {
            duplicate: true, ..
        }) => Err(AppendError::Conflict),
        Ok(Ack::Stored { count, seq, .. }) => Ok((seq, count)),
        Ok(Ack::Error { error }) => Err(refusal(&error)),
        Err(reason) => Err(AppendError::Unknown(format!("unreadable answer: {reason}"))),
    }
}

/// While the client reconnects it would queue the message and send it whenever; better not to
/// begin.
fn connected(client: &Client) -> Result<(), AppendError> {
    match client.connection_state() {
        State::Connected => Ok(()),
        state => Err(AppendError::Unavailable(format!("connection is {state}"))),
    }
}

/// What the server's error codes mean for a commit.
fn refusal(error: &AckError) -> AppendError {
    let words = format!("{} ({})", error.description, error.err_code);
    match error.err_code {
        // Wrong last sequence; the same inside a batch; an id that the window has already seen.
        10_071 | 10_164 | 10_201 => AppendError::Conflict,
        // Batch abandoned or incomplete; too many open batches; stream full.
        10_176 | 10_210 | 10_077 => AppendError::Unavailable(words),
        _ if error.code >= 500 => AppendError::Unavailable(words),
        _ => AppendError::Refused(words),
    }
}
