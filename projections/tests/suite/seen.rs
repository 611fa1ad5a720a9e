//! A log whose entries are seen otherwise than they are.
//!
//! Invariant: apart from what is seen it is the log it stands on.

use std::sync::Arc;

use async_trait::async_trait;
use event_log::{
    AppendError, Commit, Entry, EventLog, Follow, Head, LogError, NewCommit, ReadFrom, SharedLog,
};
use futures::StreamExt as _;
use schemas::{Position, StreamId};

/// A log, and how its entries are seen.
struct Seen<F> {
    log: SharedLog,
    see: Arc<F>,
}

/// `log` as it is for whoever sees each of its entries so.
pub fn seen(log: SharedLog, see: impl Fn(Entry) -> Entry + Send + Sync + 'static) -> SharedLog {
    let see = Arc::new(see);
    Arc::new(Seen { log, see })
}

#[async_trait]
impl<F: Fn(Entry) -> Entry + Send + Sync + 'static> EventLog for Seen<F> {
    async fn append(&self, commit: NewCommit) -> Result<Position, AppendError> {
        self.log.append(commit).await
    }

    async fn append_all(&self, commits: Vec<NewCommit>) -> Result<Vec<Position>, AppendError> {
        self.log.append_all(commits).await
    }

    async fn at(&self, position: Position) -> Result<Option<Entry>, LogError> {
        Ok(self.log.at(position).await?.map(|entry| (self.see)(entry)))
    }

    async fn follow(&self, after: Position) -> Result<Follow, LogError> {
        let see = Arc::clone(&self.see);
        let entries = self.log.follow(after).await?;
        Ok(Box::pin(
            entries.map(move |entry| entry.map(|entry| see(entry))),
        ))
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
