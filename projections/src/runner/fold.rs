//! One read model within a batch: states are folded in memory and written once.
//!
//! Invariant: each row is written at most once per batch, as the state after the batch; each
//! version that ended within it becomes one row of the history.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use schemas::{Commit, Position, Version, domain::TenantId};
use sqlx::{PgConnection, Row as _, types::Json};
use uuid::Uuid;

use super::{counts::Counts, recent::Recent};
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

#[derive(Debug)]
struct Living<A> {
    position: Position,
    state: Arc<A>,
    version: Version,
}

#[derive(Debug)]
struct Closed<A> {
    key: Key,
    to: Position,
    was: Living<A>,
}

impl<A> Default for Fold<A> {
    fn default() -> Self {
        Self {
            closed: Vec::new(),
            recent: Recent::default(),
            touched: HashMap::new(),
        }
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

impl<A: Model> Fold<A> {
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

    /// Writes what the batch changed.
    pub(super) async fn write(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let mut upserts: Vec<(&Key, &Living<A>)> = Vec::with_capacity(self.touched.len());
        let mut ended: Vec<&Key> = Vec::new();
        for (key, had_row) in &self.touched {
            match self.recent.get(key) {
                Some(Some(living)) => upserts.push((key, living)),
                _ if *had_row => ended.push(key),
                _ => {}
            }
        }
        // In the order of the key, index pages are visited once.
        upserts.sort_unstable_by_key(|(key, _)| **key);
        self.upsert(connection, &upserts).await?;
        self.close(connection).await?;
        Self::end(connection, &ended).await
    }

    /// Ends a batch that was committed.
    pub(super) fn settle(&mut self) {
        self.closed.clear();
        self.touched.clear();
        self.recent.settle();
    }

    async fn upsert(
        &self,
        connection: &mut PgConnection,
        rows: &[(&Key, &Living<A>)],
    ) -> Result<(), sqlx::Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let written = sqlx::query(A::statements().upsert.as_str())
            .bind(rows.iter().map(|(key, _)| key.0.uuid()).collect::<Vec<_>>())
            .bind(rows.iter().map(|(key, _)| key.1).collect::<Vec<_>>())
            .bind(
                rows.iter()
                    .map(|(_, living)| living.version.0 as i64)
                    .collect::<Vec<_>>(),
            )
            .bind(
                rows.iter()
                    .map(|(_, living)| living.position.0 as i64)
                    .collect::<Vec<_>>(),
            )
            .bind(
                rows.iter()
                    .map(|(_, living)| Json(&*living.state))
                    .collect::<Vec<_>>(),
            )
            .execute(connection)
            .await?;
        if written.rows_affected() == rows.len() as u64 {
            return Ok(());
        }
        Err(sqlx::Error::Decode(
            "a row of a read model is ahead of its checkpoint".into(),
        ))
    }

    async fn close(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.closed.is_empty() {
            return Ok(());
        }
        let closed = &self.closed;
        sqlx::query(A::statements().close.as_str())
            .bind(closed.iter().map(|c| c.key.0.uuid()).collect::<Vec<_>>())
            .bind(closed.iter().map(|c| c.key.1).collect::<Vec<_>>())
            .bind(
                closed
                    .iter()
                    .map(|c| c.was.version.0 as i64)
                    .collect::<Vec<_>>(),
            )
            .bind(
                closed
                    .iter()
                    .map(|c| c.was.position.0 as i64)
                    .collect::<Vec<_>>(),
            )
            .bind(closed.iter().map(|c| c.to.0 as i64).collect::<Vec<_>>())
            .bind(
                closed
                    .iter()
                    .map(|c| Json(&*c.was.state))
                    .collect::<Vec<_>>(),
            )
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn end(connection: &mut PgConnection, ended: &[&Key]) -> Result<(), sqlx::Error> {
        if ended.is_empty() {
            return Ok(());
        }
        sqlx::query(A::statements().end.as_str())
            .bind(ended.iter().map(|key| key.0.uuid()).collect::<Vec<_>>())
            .bind(ended.iter().map(|key| key.1).collect::<Vec<_>>())
            .execute(connection)
            .await?;
        Ok(())
    }
}
