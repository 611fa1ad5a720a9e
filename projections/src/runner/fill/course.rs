//! What tables are filled with: the log, or what could be one, in full batches.
//!
//! Invariant: nothing is left out between two batches, and a failure comes after what was before.

use event_log::{Entry, Follow, LogError, SharedLog};
use futures::{Stream, StreamExt as _, stream};
use schemas::Position;

/// The most commits of one transaction. Nobody waits for one, and what changes often within one is
/// written once.
const BATCH: usize = 10_000;
/// How many bytes of payload a transaction may have, and one commit more.
const BATCH_BYTES: usize = 16 << 20;

/// What tables are filled with.
pub(crate) struct Course {
    /// Everything, in the order in which it is folded; then the end.
    pub(crate) entries: Follow,
    /// The highest position of them.
    pub(crate) highest: Position,
    /// The position of the log that they stand for.
    pub(crate) to: Position,
}

impl Course {
    /// What is in `log` up to `to`.
    pub(crate) async fn of(log: &SharedLog, to: Position) -> Result<Self, LogError> {
        let entries = log.follow(Position(0)).await?;
        let entries = stream::unfold(
            (entries, Position(0)),
            move |(mut entries, at)| async move {
                if at >= to {
                    return None;
                }
                match entries.next().await {
                    Some(Ok(entry)) => {
                        let at = entry.position();
                        Some((Ok(entry), (entries, at)))
                    }
                    Some(Err(failure)) => Some((Err(failure), (entries, to))),
                    None => {
                        let ended = LogError::Unavailable("it ended".to_owned());
                        Some((Err(ended), (entries, to)))
                    }
                }
            },
        );
        Ok(Self {
            entries: Box::pin(entries),
            highest: to,
            to,
        })
    }
}

/// What stands at `position`, for whoever may only read the log as it goes.
pub(crate) async fn entry_at(
    log: &SharedLog,
    position: Position,
) -> Result<Option<Entry>, LogError> {
    let Some(before) = position.0.checked_sub(1) else {
        return Ok(None);
    };
    let found = log.scan(Position(before), position).await?.next().await;
    Ok(found.transpose()?.and_then(|mut found| found.pop()))
}

/// The entries, in batches that are as full as they may be.
pub(super) fn batches(
    entries: Follow,
) -> impl Stream<Item = (Vec<Entry>, Option<LogError>)> + Send {
    stream::unfold(Some(entries), |entries| async move {
        let mut entries = entries?;
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            match entries.next().await {
                Some(Ok(entry)) => {
                    bytes += size(&entry);
                    batch.push(entry);
                }
                Some(Err(failure)) => return Some(((batch, Some(failure)), None)),
                None => return (!batch.is_empty()).then_some(((batch, None), None)),
            }
        }
        Some(((batch, None), Some(entries)))
    })
}

fn size(entry: &Entry) -> usize {
    match entry {
        Entry::Commit(commit) => commit.payload.len(),
        Entry::Unreadable(unreadable) => unreadable.payload.len(),
    }
}
