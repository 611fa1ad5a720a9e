//! A log that misbehaves in every way a log may, on demand.
//!
//! Invariant: what it stores is what a good log would have stored.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use event_log::{
    AppendError, Commit, Entry, EventLog, Follow, Head, LogError, MemoryLog, NewCommit, Position,
    ReadFrom, StreamId,
};

/// A log that misbehaves so many times as each field says, in the order of the fields.
#[derive(Clone)]
pub struct Forgetful {
    /// Says that others were faster.
    pub conflicts: Arc<AtomicUsize>,
    /// Stores nothing, and says nothing.
    pub dropped: Arc<AtomicUsize>,
    log: MemoryLog,
    /// Stores, and says nothing.
    pub lost: Arc<AtomicUsize>,
    /// Takes nothing.
    pub full: Arc<AtomicUsize>,
    /// Answers a read.
    pub reachable: Arc<AtomicUsize>,
    /// Answers no read.
    pub unreachable: Arc<AtomicUsize>,
}

impl Forgetful {
    pub fn new() -> Self {
        Self {
            conflicts: Arc::default(),
            dropped: Arc::default(),
            full: Arc::default(),
            log: MemoryLog::new("test"),
            lost: Arc::default(),
            reachable: Arc::default(),
            unreachable: Arc::default(),
        }
    }
}

#[async_trait]
impl EventLog for Forgetful {
    async fn append(&self, commit: NewCommit) -> Result<Position, AppendError> {
        let lost = || Err(AppendError::Unknown("the acknowledgement was lost".into()));
        if take(&self.conflicts) {
            return Err(AppendError::Conflict);
        }
        if take(&self.dropped) {
            return lost();
        }
        if take(&self.lost) {
            self.log.append(commit).await?;
            return lost();
        }
        if take(&self.full) {
            return Err(AppendError::Unavailable("full".into()));
        }
        self.log.append(commit).await
    }

    async fn append_all(&self, commits: Vec<NewCommit>) -> Result<Vec<Position>, AppendError> {
        if take(&self.conflicts) {
            return Err(AppendError::Conflict);
        }
        let stored = if take(&self.dropped) {
            None
        } else if take(&self.full) {
            return Err(AppendError::Unavailable("full".into()));
        } else {
            Some(self.log.append_all(commits).await?)
        };
        match stored.filter(|_| !take(&self.lost)) {
            Some(positions) => Ok(positions),
            None => Err(AppendError::Unknown("the acknowledgement was lost".into())),
        }
    }

    async fn at(&self, position: Position) -> Result<Option<Entry>, LogError> {
        self.log.at(position).await
    }

    async fn follow(&self, after: Position) -> Result<Follow, LogError> {
        self.log.follow(after).await
    }

    async fn head(&self) -> Result<Head, LogError> {
        self.log.head().await
    }

    async fn load(
        &self,
        stream: StreamId,
        after: Position,
        from: ReadFrom,
    ) -> Result<Vec<Commit>, LogError> {
        if !take(&self.reachable) && take(&self.unreachable) {
            Err(LogError::Unavailable("away".into()))
        } else {
            self.log.load(stream, after, from).await
        }
    }
}

fn take(count: &AtomicUsize) -> bool {
    count
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            left.checked_sub(1)
        })
        .is_ok()
}
