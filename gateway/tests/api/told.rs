//! A log that waits, once it has stored a batch, until it is told to go on.
//!
//! Invariant: apart from that it is the log it stands on.

use async_trait::async_trait;
use event_log::{
    AppendError, Commit, Entry, EventLog, Follow, Head, JetStreamLog, LogError, NewCommit,
    Position, ReadFrom, StreamId,
};
use tokio::sync::Notify;

pub struct Told {
    log: JetStreamLog,
    pub stored: Notify,
    pub go_on: Notify,
}

impl Told {
    pub fn new(log: &JetStreamLog) -> Self {
        Self {
            log: log.clone(),
            stored: Notify::new(),
            go_on: Notify::new(),
        }
    }
}

#[async_trait]
impl EventLog for Told {
    async fn append(&self, commit: NewCommit) -> Result<Position, AppendError> {
        self.log.append(commit).await
    }

    async fn append_all(&self, commits: Vec<NewCommit>) -> Result<Vec<Position>, AppendError> {
        let positions = self.log.append_all(commits).await?;
        self.stored.notify_one();
        self.go_on.notified().await;
        Ok(positions)
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
        self.log.load(stream, after, from).await
    }
}
