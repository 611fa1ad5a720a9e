//! One read model within a batch: states are folded in memory.
//!
//! Invariant: what comes of a batch holds each row at most once, as the state after the batch, and
//! each version that ended within it once.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use schemas::{Commit, Position, Version, domain::TenantId};
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::{
    changed::{Changed, Closed, Upsert},
    counts::Counts,
    recent::Recent,
};
use crate::models::{Model, row_of};

pub(super) type Key = (TenantId, Uuid);

/// The states of one kind of aggregate, and what the batch changes.
#[derive(Debug)]
pub(super) struct Fold<A> {
    closed: Vec<Closed<A>>,
    /// None for an aggregate that does not live.
    recent: Recent<Key, Option<Living<A>>>,
    /// What the batch touched, and whether it had a row before.
    touched: HashMap<Key, bool>,
}

/// A version of an aggregate.
#[derive(Debug)]
pub(super) struct Living<A> {
    /// Where it began.
    pub(super) position: Position,
    pub(super) state: Arc<A>,
    pub(super) version: Version,
}

impl<A> Default for Fold<A> {
    fn default() -> Self {
        Self::remembering(Recent::default())
    }
}

impl<A> Clone for Living<A> {
    fn clone(&self) -> Self {
        Self {
            position: self.position,
            state: Arc::clone(&self.state),
            version: self.version,
        }
    }
}

impl<A> Fold<A> {
    /// One that knows what is in `recent`.
    pub(super) fn remembering(recent: Recent<Key, Option<Living<A>>>) -> Self {
        Self {
            closed: Vec::new(),
            recent,
            touched: HashMap::new(),
        }
    }
}

impl<A: Model> Fold<A> {
    /// Whether all of `keys` are known, so that nothing has to be read.
    pub(super) fn knows(&self, keys: &HashSet<Key>) -> bool {
        keys.iter().all(|key| self.recent.get(key).is_some())
    }

    /// Reads the rows of those aggregates among `keys` that it does not know, in one question.
    pub(super) async fn load(
        &mut self,
        connection: &mut PgConnection,
        keys: &HashSet<Key>,
    ) -> Result<(), sqlx::Error> {
        let unknown: Vec<_> = keys
            .iter()
            .filter(|key| self.recent.get(key).is_none())
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let rows = sqlx::query(A::statements().load.as_str())
            .bind(unknown.iter().map(|key| key.0.uuid()).collect::<Vec<_>>())
            .bind(unknown.iter().map(|key| key.1).collect::<Vec<_>>())
            .fetch_all(connection)
            .await?;
        for key in unknown {
            self.recent.insert(*key, None, 0);
        }
        for row in &rows {
            let size: i32 = row.try_get("size")?;
            let found = row_of::<A>(row).map_err(|reason| sqlx::Error::Decode(reason.into()))?;
            if let Some(row) = found {
                let (version, position) = (row.version, row.position);
                let living = Living {
                    position,
                    state: Arc::new(row.state),
                    version,
                };
                self.recent
                    .insert((row.tenant, row.id), Some(living), size as usize);
            }
        }
        Ok(())
    }

    /// Folds a commit's events in. What it needs to know has been loaded.
    pub(super) fn apply(&mut self, commit: &Commit, events: &[A::Event], counts: &mut Counts) {
        let key = (commit.stream.tenant, commit.stream.id);
        let before = self.recent.get(&key).cloned().flatten();
        self.touched.entry(key).or_insert(before.is_some());
        let mut state = before.as_ref().map(|living| A::clone(&living.state));
        for event in events {
            state = A::evolve(state, event, commit.meta.time);
        }
        let table = A::statements().table;
        let now = state.filter(A::lives).map(|state| Living {
            position: commit.position,
            state: Arc::new(state),
            version: commit.meta.version,
        });
        if let Some(now) = &now {
            counts.add(key.0, table, now.state.bucket(), 1);
        }
        if let Some(was) = before {
            counts.add(key.0, table, was.state.bucket(), -1);
            self.closed.push(Closed {
                key,
                to: commit.position,
                was,
            });
        }
        self.recent.insert(key, now, commit.payload.len());
    }

    /// Takes out what the batch changes, to be written.
    pub(super) fn take(&mut self) -> Changed<A> {
        let mut changed = Changed {
            closed: std::mem::take(&mut self.closed),
            ended: Vec::new(),
            upserts: Vec::with_capacity(self.touched.len()),
        };
        for (key, had_row) in self.touched.drain() {
            match self.recent.get(&key) {
                Some(Some(living)) => changed.upserts.push(Upsert {
                    is_new: !had_row,
                    key,
                    now: living.clone(),
                }),
                _ if had_row => changed.ended.push(key),
                _ => {}
            }
        }
        // In the order of the key, index pages are visited once.
        changed.upserts.sort_unstable_by_key(|row| row.key);
        changed
    }

    /// Ends a batch.
    pub(super) fn settle(&mut self) {
        self.recent.settle();
    }
}
