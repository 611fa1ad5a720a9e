//! A log as a program of before saw it, who could not read some of it.
//!
//! Invariant: what it cannot read it sees with other bytes, and all else as it is.

use std::{collections::BTreeSet, sync::Arc};

use event_log::{Entry, SharedLog};
use projections::Projector;
use schemas::Position;

use crate::{
    database::{Database, poll},
    seen::seen,
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

    /// The log as that program sees it.
    pub(super) fn log(&self) -> SharedLog {
        let this = self.clone();
        seen(self.log.clone(), move |entry| this.see(entry))
    }

    pub(super) async fn projector(&self, database: &Database) -> Projector {
        let log = self.log();
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
