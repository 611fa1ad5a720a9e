//! Reading: one aggregate by direct get, the whole log by an ordered consumer.
//!
//! Invariant: no consumer is made to load an aggregate, and following never skips a position
//! unseen.

use std::time::Duration;

use async_nats::{
    Client, HeaderMap, StatusCode,
    connection::State,
    jetstream::{
        consumer::{DeliverPolicy, ReplayPolicy, pull::OrderedConfig},
        message::StreamMessage,
        stream::{RawMessageErrorKind, Stream},
    },
};
use futures::{StreamExt as _, stream};
use schemas::{Commit, Meta, Position, StreamId};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{Entry, Follow, LogError, Unreadable, headers, subject};

/// How many commits one direct get may answer.
const LOAD_BATCH: usize = 1_000;
/// How long to wait for the next message of an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

const LAST_SEQUENCE: &str = "Nats-Last-Sequence";
const PENDING: &str = "Nats-Num-Pending";
const SEQUENCE: &str = "Nats-Sequence";
const SUBJECT: &str = "Nats-Subject";

/// The commits of `stream` after `after`, from any copy of the log.
pub(super) async fn load(
    client: &Client,
    stream: StreamId,
    after: Position,
) -> Result<Vec<Commit>, LogError> {
    let mut commits = Vec::new();
    let mut from = after.next();
    while let Some(next) = load_some(client, stream, from, &mut commits).await? {
        from = next;
    }
    Ok(commits)
}

/// The same from the copy that accepts writes, one message at a time.
pub(super) async fn load_from_leader(
    log: &Stream<()>,
    stream: StreamId,
    after: Position,
) -> Result<Vec<Commit>, LogError> {
    let subject = subject::of(stream);
    let mut commits = Vec::new();
    let mut from = after.next();
    loop {
        match log.get_first_raw_message_by_subject(&subject, from.0).await {
            Ok(message) => {
                let commit = readable(entry_of(message))?;
                from = commit.position.next();
                commits.push(commit);
            }
            Err(reason) if reason.kind() == RawMessageErrorKind::NoMessageFound => {
                return Ok(commits);
            }
            Err(reason) => return Err(unavailable(reason)),
        }
    }
}

/// What stands at `position`.
pub(super) async fn at(log: &Stream<()>, position: Position) -> Result<Option<Entry>, LogError> {
    // The server takes sequence 0 for a question about something else.
    if position == Position(0) {
        return Ok(None);
    }
    match log.get_raw_message(position.0).await {
        Ok(message) => Ok(Some(entry_of(message))),
        Err(reason) if reason.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
        Err(reason) => Err(unavailable(reason)),
    }
}

/// The log after `after`, without end. It fails when the connection was lost in between: the server
/// may have forgotten the consumer, which would be noticed only by its silence.
pub(super) async fn follow(
    log: &Stream<()>,
    after: Position,
    mut connections: watch::Receiver<u64>,
) -> Result<Follow, LogError> {
    connections.mark_unchanged();
    let config = OrderedConfig {
        // With a name of its own, so that making it is one subject.
        name: Some(
            Uuid::from_bytes(runtime::random::bytes())
                .simple()
                .to_string(),
        ),
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: after.next().0,
        },
        replay_policy: ReplayPolicy::Instant,
        ..Default::default()
    };
    let consumer = log.create_consumer(config).await.map_err(unavailable)?;
    let messages = consumer.messages().await.map_err(unavailable)?;
    let mut last = after;
    let entries = messages.map(move |message| {
        let message = message.map_err(unavailable)?;
        let info = message.info().map_err(unavailable)?;
        let found = Position(info.stream_sequence);
        if found != last.next() {
            return Err(LogError::Gap { after: last, found });
        }
        last = found;
        let (message, _) = message.split();
        let headers = message.headers.unwrap_or_default();
        Ok(entry(
            found,
            &message.subject,
            &headers,
            message.payload.into(),
        ))
    });
    let broken = stream::once(async move {
        // An error here means that the client is gone, and the entries end by themselves.
        let _closed = connections.changed().await;
        Err(LogError::Unavailable("the connection was lost".to_owned()))
    });
    // The first failure is the last item: whoever follows begins again.
    Ok(Box::pin(stream::select(entries, broken).scan(
        false,
        |failed, item| {
            let next = (!*failed).then_some(item);
            *failed = matches!(next, Some(Err(_)));
            std::future::ready(next)
        },
    )))
}

/// Asks for commits from `from` on; says where to go on if there are more.
async fn load_some(
    client: &Client,
    stream: StreamId,
    from: Position,
    commits: &mut Vec<Commit>,
) -> Result<Option<Position>, LogError> {
    let subject = subject::of(stream);
    get(client, &subject, from, LOAD_BATCH, |found| {
        commits.push(readable(found)?);
        Ok(())
    })
    .await
}

/// Asks for at most `batch` entries whose subject fits, from `from` on; says where to go on if
/// there are more.
pub(super) async fn get(
    client: &Client,
    fits: &str,
    from: Position,
    batch: usize,
    mut take: impl FnMut(Entry) -> Result<(), LogError>,
) -> Result<Option<Position>, LogError> {
    get_of(client, subject::EVENTS, fits, from, batch, |found| {
        let (position, payload) = (found.position, found.payload);
        take(entry(position, found.subject, found.headers, payload))
    })
    .await
}

/// A message as a stream keeps it.
pub(crate) struct Kept<'answer> {
    pub headers: &'answer HeaderMap,
    pub payload: Vec<u8>,
    pub position: Position,
    pub subject: &'answer str,
}

/// The same of any stream that answers direct gets, in whatever form its messages are.
pub(crate) async fn get_of(
    client: &Client,
    stream: &str,
    fits: &str,
    from: Position,
    batch: usize,
    mut take: impl FnMut(Kept<'_>) -> Result<(), LogError>,
) -> Result<Option<Position>, LogError> {
    if client.connection_state() != State::Connected {
        return Err(LogError::Unavailable("not connected".to_owned()));
    }
    let inbox = client.new_inbox();
    let mut answers = client.subscribe(inbox.clone()).await.map_err(unavailable)?;
    let ask = serde_json::json!({
        "seq": from.0, "batch": batch, "next_by_subj": fits,
    });
    client
        .publish_with_reply(subject::direct_get(stream), inbox, ask.to_string().into())
        .await
        .map_err(unavailable)?;
    loop {
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, answers.next()).await;
        let Ok(Some(answer)) = answer else {
            return Err(LogError::Unavailable(
                "the log did not answer in time".into(),
            ));
        };
        let headers = answer.headers.unwrap_or_default();
        match answer.status {
            Some(StatusCode::NOT_FOUND) => return Ok(None),
            Some(status) if status.as_u16() == 204 => {
                let more = number(&headers, PENDING).unwrap_or(0) > 0;
                let last = number(&headers, LAST_SEQUENCE).map(Position);
                return Ok(last.filter(|_| more).map(Position::next));
            }
            Some(status) => return Err(LogError::Unavailable(format!("status {status}"))),
            None => {
                let position = number(&headers, SEQUENCE).map(Position).ok_or_else(|| {
                    LogError::Unavailable("an answer without a sequence".to_owned())
                })?;
                let subject = headers.get(SUBJECT).map_or("", |subject| subject.as_str());
                take(Kept {
                    headers: &headers,
                    payload: answer.payload.into(),
                    position,
                    subject,
                })?;
            }
        }
    }
}

fn entry_of(message: StreamMessage) -> Entry {
    let position = Position(message.sequence);
    entry(
        position,
        &message.subject,
        &message.headers,
        message.payload.into(),
    )
}

fn entry(position: Position, subject: &str, headers: &HeaderMap, payload: Vec<u8>) -> Entry {
    entry_with(position, subject, || headers::read(headers), payload)
}

/// The entry at `position`, or why it cannot be read.
pub(super) fn entry_with(
    position: Position,
    subject: &str,
    meta: impl FnOnce() -> Result<Meta, String>,
    payload: Vec<u8>,
) -> Entry {
    let commit = subject::parse(subject).and_then(|stream| Ok((stream, meta()?)));
    match commit {
        Ok((stream, meta)) => Entry::Commit(Commit {
            meta,
            payload,
            position,
            stream,
        }),
        Err(reason) => Entry::Unreadable(Unreadable {
            position,
            subject: subject.to_owned(),
            payload,
            reason,
        }),
    }
}

fn readable(entry: Entry) -> Result<Commit, LogError> {
    match entry {
        Entry::Commit(commit) => Ok(commit),
        Entry::Unreadable(Unreadable {
            position, reason, ..
        }) => Err(LogError::Unreadable { position, reason }),
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.as_str().parse().ok()
}

pub(super) fn unavailable(reason: impl std::fmt::Display) -> LogError {
    LogError::Unavailable(reason.to_string())
}
