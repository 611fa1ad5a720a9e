//! Publishing one commit, and several as one atomic batch (ADR-50 of NATS).
//!
//! Invariant: every answer is understood as stored, not stored, or unknown; nothing is guessed from
//! the words of an error.

use std::time::Duration;

use async_nats::{
    Client, HeaderMap, HeaderName, Request, client::RequestErrorKind, connection::State,
};
use schemas::Position;
use serde::Deserialize;
use uuid::Uuid;

use crate::{AppendError, NewCommit, headers, subject};

/// How long to wait for the server's word.
const ACK_TIMEOUT: Duration = Duration::from_secs(5);

static BATCH_COMMIT: HeaderName = HeaderName::from_static("Nats-Batch-Commit");
static BATCH_ID: HeaderName = HeaderName::from_static("Nats-Batch-Id");
static BATCH_SEQUENCE: HeaderName = HeaderName::from_static("Nats-Batch-Sequence");
static EXPECTED_SUBJECT_SEQUENCE: HeaderName =
    HeaderName::from_static("Nats-Expected-Last-Subject-Sequence");
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

/// Stores one commit.
pub(super) async fn single(client: &Client, commit: &NewCommit) -> Result<Position, AppendError> {
    let (last, _) = request(client, commit, headers_of(commit)).await?;
    Ok(Position(last))
}

/// Stores all commits or none; there is at least one.
pub(super) async fn batch(
    client: &Client,
    commits: &[NewCommit],
) -> Result<Vec<Position>, AppendError> {
    let count = commits.len();
    let Some((last, others)) = commits.split_last() else {
        return Ok(Vec::new());
    };
    connected(client)?;
    // Never used twice: the server would take members of two senders for one batch.
    let id = Uuid::from_bytes(runtime::random::bytes())
        .simple()
        .to_string();
    for (at, commit) in others.iter().enumerate() {
        let headers = batched(headers_of(commit), &id, at + 1);
        client
            .publish_with_headers(
                subject::of(commit.stream),
                headers,
                commit.payload.clone().into(),
            )
            .await
            .map_err(|reason| AppendError::Unavailable(reason.to_string()))?;
    }
    let mut headers = batched(headers_of(last), &id, count);
    headers.insert(BATCH_COMMIT.clone(), "1");
    let (position, stored) = request(client, last, headers).await?;
    if stored != Some(count) {
        let words = format!("{count} were sent as one batch, the server speaks of {stored:?}");
        return Err(AppendError::Unknown(words));
    }
    let first = position + 1 - count as u64;
    Ok((first..=position).map(Position).collect())
}

fn headers_of(commit: &NewCommit) -> HeaderMap {
    let mut headers = headers::write(&commit.meta);
    // One command may touch several aggregates, and one command id may be used by two tenants.
    let id = format!("{}.{}", commit.meta.command, subject::of(commit.stream));
    headers.insert(MESSAGE_ID.clone(), id);
    headers.insert(EXPECTED_STREAM.clone(), subject::EVENTS);
    headers.insert(
        EXPECTED_SUBJECT_SEQUENCE.clone(),
        commit.expected.to_string(),
    );
    headers
}

fn batched(mut headers: HeaderMap, id: &str, sequence: usize) -> HeaderMap {
    headers.insert(BATCH_ID.clone(), id);
    headers.insert(BATCH_SEQUENCE.clone(), sequence.to_string());
    headers
}

/// Sends a message and says where it, the last of a batch, was stored and how many the batch had.
async fn request(
    client: &Client,
    commit: &NewCommit,
    headers: HeaderMap,
) -> Result<(u64, Option<usize>), AppendError> {
    connected(client)?;
    let request = Request::new()
        .headers(headers)
        .payload(commit.payload.clone().into())
        .timeout(Some(ACK_TIMEOUT));
    let answer = client
        .send_request(subject::of(commit.stream), request)
        .await;
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
