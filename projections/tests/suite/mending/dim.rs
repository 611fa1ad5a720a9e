//! A log as a program of before saw it, who could not read some of it.
//!
//! Invariant: what it cannot read it sees with other bytes, and all else as it is.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use event_log::{
    AppendError, Commit, Entry, EventLog, Follow, Head, LogError, NewCommit, ReadFrom, SharedLog,
};
use futures::StreamExt as _;
use projections::Projector;
use schemas::{Position, StreamId};

use crate::{
    database::{Database, poll},
    world::World,
};

/// What that program sees.
#[derive(Clone)]
pub(super) struct Dim {
    log: SharedLog,
    unread: Arc<BTreeSet<Position>>,
}

impl Dim {
    pub(super) fn of(world: &World, unread: impl IntoIterator<Item = Position>) -> Self {
        Self {
            log: world.shared(),
            unread: Arc::new(unread.into_iter().collect()),
        }
    }

    /// Has the rows of what was left out as they are for a program that could read it: without the
    /// other bytes, and without why it could not be read.
    pub(super) async fn forget(database: &Database) {
        let rows = "update skipped_commits set payload = rtrim(payload, '\\x20'), \
                    reason = 'it is left out later in the log'";
        database.spoil(rows).await;
    }

    pub(super) async fn projector(&self, database: &Database) -> Projector {
        let log: SharedLog = Arc::new(self.clone());
        poll(async || {
            Projector::open(&log, &database.writer)
                .await
                .expect("opened")
        })
        .await
    }

    /// What it reads after `after`.
    pub(super) async fn entries(&self, world: &World, after: u64) -> Vec<Entry> {
        let entries = world.entries(Position(after)).await.into_iter();
        entries.map(|entry| self.see(entry)).collect()
    }

    fn see(&self, mut entry: Entry) -> Entry {
        let is_unread = self.unread.contains(&entry.position());
        if let Entry::Commit(commit) = &mut entry
            && is_unread
        {
            commit.payload.push(b' ');
        }
        entry
    }
}

#[async_trait]
impl EventLog for Dim {
    async fn append(&self, commit: NewCommit) -> Result<Position, AppendError> {
        self.log.append(commit).await
    }

    async fn append_all(&self, commits: Vec<NewCommit>) -> Result<Vec<Position>, AppendError> {
        self.log.append_all(commits).await
    }

    async fn at(&self, position: Position) -> Result<Option<Entry>, LogError> {
        Ok(self.log.at(position).await?.map(|entry| self.see(entry)))
    }

    async fn follow(&self, after: Position) -> Result<Follow, LogError> {
        let seen = self.clone();
        let entries = self.log.follow(after).await?;
        Ok(Box::pin(
            entries.map(move |entry| entry.map(|entry| seen.see(entry))),
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
