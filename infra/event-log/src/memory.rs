//! The log in memory, for tests and for replaying into nowhere.
//!
//! Invariant: it keeps the same promises as the real one, except that it ends with the process and
//! knows no clock but the times of commits.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use domain::{CommandId, Timestamp};
use futures::stream;
use schemas::{Commit, Meta, Position, StreamId};
use tokio::sync::watch;

use crate::{
    AppendError, Entry, EventLog, Follow, Head, LogError, NewCommit, ReadFrom, Unreadable,
    log::{self, REPEATS_KNOWN},
    restore,
};

/// A log that lives as long as the process.
#[derive(Clone, Debug)]
pub struct MemoryLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    head: watch::Sender<Position>,
    incarnation: String,
    stored: Mutex<Stored>,
}

#[derive(Debug, Default)]
struct Stored {
    commits: Vec<Commit>,
    /// When each command was last stored on each aggregate.
    known: HashMap<(StreamId, CommandId), Timestamp>,
    last: HashMap<StreamId, Position>,
}

impl MemoryLog {
    /// An empty log with an identity of its own.
    pub fn new(incarnation: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            head: watch::Sender::new(Position(0)),
            incarnation: incarnation.into(),
            stored: Mutex::default(),
        }))
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.0.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stored {
    fn check(&self, commit: &NewCommit) -> Result<(), AppendError> {
        let last = self.last.get(&commit.stream).copied().unwrap_or_default();
        if last == commit.expected && !self.knows(commit.stream, &commit.meta) {
            Ok(())
        } else {
            Err(AppendError::Conflict)
        }
    }

    /// Whether the command was stored on the aggregate moments ago, as commits tell the time.
    fn knows(&self, stream: StreamId, meta: &Meta) -> bool {
        let before = self.known.get(&(stream, meta.command));
        let window = i64::try_from(REPEATS_KNOWN.as_millis()).unwrap_or(i64::MAX);
        before.is_some_and(|before| meta.time.since_ms(*before) < window)
    }

    fn store(&mut self, commit: NewCommit) -> Position {
        let position = Position(self.commits.len() as u64 + 1);
        self.keep(commit.stored_at(position));
        position
    }

    fn keep(&mut self, commit: Commit) {
        let command = (commit.stream, commit.meta.command);
        self.known.insert(command, commit.meta.time);
        self.last.insert(commit.stream, commit.position);
        self.commits.push(commit);
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    async fn append(&self, commit: NewCommit) -> Result<Position, AppendError> {
        let mut positions = self.append_all(vec![commit]).await?;
        positions
            .pop()
            .ok_or_else(|| AppendError::Refused("nothing to append".into()))
    }

    async fn append_all(&self, commits: Vec<NewCommit>) -> Result<Vec<Position>, AppendError> {
        log::check_all(&commits)?;
        let mut stored = self.stored();
        commits.iter().try_for_each(|commit| stored.check(commit))?;
        let positions: Vec<_> = commits
            .into_iter()
            .map(|commit| stored.store(commit))
            .collect();
        self.0
            .head
            .send_replace(positions.last().copied().unwrap_or_default());
        Ok(positions)
    }

    async fn at(&self, position: Position) -> Result<Option<Entry>, LogError> {
        let index = usize::try_from(position.0)
            .unwrap_or(usize::MAX)
            .wrapping_sub(1);
        Ok(self.stored().commits.get(index).cloned().map(Entry::Commit))
    }

    async fn follow(&self, after: Position) -> Result<Follow, LogError> {
        let head = self.0.head.subscribe();
        let entries = stream::unfold(
            (self.clone(), head, after),
            |(log, mut head, after): (Self, watch::Receiver<Position>, Position)| async move {
                // The sender lives in `log`, so waiting ends only with a new head.
                head.wait_for(|head| *head > after).await.ok()?;
                let entry = log.at(after.next()).await.transpose()?;
                Some((entry, (log, head, after.next())))
            },
        );
        Ok(Box::pin(entries))
    }

    async fn head(&self) -> Result<Head, LogError> {
        let position = Position(self.stored().commits.len() as u64);
        Ok(Head {
            incarnation: self.0.incarnation.clone(),
            position,
        })
    }

    async fn load(
        &self,
        stream: StreamId,
        after: Position,
        _: ReadFrom,
    ) -> Result<Vec<Commit>, LogError> {
        let stored = self.stored();
        let from = usize::try_from(after.0)
            .unwrap_or(usize::MAX)
            .min(stored.commits.len());
        Ok(stored.commits[from..]
            .iter()
            .filter(|c| c.stream == stream)
            .cloned()
            .collect())
    }

    async fn restore(&self, entries: Vec<Entry>) -> Result<(), AppendError> {
        let after = restore::check(&entries)?;
        let mut stored = self.stored();
        if stored.commits.len() as u64 != after.0 {
            return Err(AppendError::Conflict);
        }
        let commits: Result<Vec<_>, _> = entries.into_iter().map(commit).collect();
        for commit in commits? {
            stored.keep(commit);
        }
        self.0
            .head
            .send_replace(Position(stored.commits.len() as u64));
        Ok(())
    }
}

/// The commit that is restored; this log holds nothing else.
fn commit(entry: Entry) -> Result<Commit, AppendError> {
    match entry {
        Entry::Commit(commit) => Ok(commit),
        Entry::Unreadable(Unreadable { position, .. }) => {
            let words = format!("position {position} is no commit, and nothing else is kept here");
            Err(AppendError::Refused(words))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::tests::meta;
    use domain::{AggregateKind, TenantId};
    use uuid::Uuid;

    #[tokio::test]
    async fn a_command_is_known_again_for_as_long_as_a_server_knows_it() {
        let log = MemoryLog::new("memory");
        let at = |expected, after_ms| {
            let meta = meta();
            NewCommit {
                expected,
                meta: Meta {
                    time: meta.time.plus_ms(after_ms),
                    ..meta
                },
                payload: b"{}".to_vec(),
                stream: StreamId {
                    tenant: TenantId::new(Uuid::from_u128(1)),
                    kind: AggregateKind::Task,
                    id: Uuid::from_u128(2),
                },
            }
        };
        let first = log.append(at(Position(0), 0)).await.expect("stored");
        for soon in [0, 119_999] {
            let again = log.append(at(first, soon)).await;
            assert!(matches!(again, Err(AppendError::Conflict)), "{again:?}");
        }
        log.append(at(first, 120_000)).await.expect("stored");
    }
}
