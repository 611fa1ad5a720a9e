//! The read models of any past, and of histories that were not.
//!
//! Invariant: a replay is what the read models were; what is supposed differs by what follows from
//! it, all of which is told, and neither the log nor the live read models change.

mod past;
mod supposed;

use std::collections::BTreeSet;

use event_log::{Commit, Entry};
use projections::{
    Differences, Sample, difference,
    replay::{ReplayError, Supposed, Supposition, WhatIf, replay, what_if},
};
use schemas::{Position, StreamId, Version, domain::AggregateKind};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row as _};

use crate::{database::Database, world::World};

const ALL: usize = 10_000;

/// A log, the read models of all of it, and its commits.
struct Scene {
    world: World,
    database: Database,
    commits: Vec<Commit>,
}

impl Scene {
    async fn new(world: World) -> Self {
        let database = Database::new().await;
        database.project(&world, 500).await;
        let entries = world.entries(Position(0)).await;
        let commits = entries.into_iter().filter_map(|entry| match entry {
            Entry::Commit(commit) => Some(commit),
            Entry::Unreadable(_) => None,
        });
        let commits = commits.collect();
        Self {
            world,
            database,
            commits,
        }
    }

    async fn replay(&self, schema: &str, to: Position) -> Result<Position, ReplayError> {
        let (log, database) = (self.world.shared(), &self.database);
        replay(&log, &database.owner, &database.writer, schema, to, |_| {}).await
    }

    async fn what_if(
        &self,
        without: &[Position],
        with: &[Supposed],
    ) -> Result<WhatIf, ReplayError> {
        let supposition = Supposition {
            to: self.world.head().await,
            without: &without.iter().copied().collect::<BTreeSet<_>>(),
            with,
        };
        let (log, database) = (self.world.shared(), &self.database);
        let places = (&database.owner, &database.writer, &database.overview);
        let schemas = ("was", "would");
        what_if(&log, places, schemas, &supposition, ALL, |_| {}).await
    }

    async fn compare(&self, one: &str, other: &str) -> Differences {
        let overview = &self.database.overview;
        difference(&overview.beside(one), &overview.beside(other), ALL)
            .await
            .expect("compared")
    }

    /// Version and state of the current row of an aggregate.
    async fn row(&self, schema: &str, stream: StreamId) -> Option<(i64, Value)> {
        let ask = format!(
            "select version, state::text from {schema}.{}s where tenant_id = $1 and id = $2",
            stream.kind.name()
        );
        let row = sqlx::query(AssertSqlSafe(ask))
            .bind(stream.tenant.uuid())
            .bind(stream.id)
            .fetch_optional(&mut self.database.sql().await)
            .await
            .expect("asked")?;
        let state = serde_json::from_str(row.get(1)).expect("JSON");
        Some((row.get(0), state))
    }

    /// The commits of an aggregate.
    fn of(&self, stream: StreamId) -> Vec<&Commit> {
        let commits = self.commits.iter();
        commits.filter(|commit| commit.stream == stream).collect()
    }

    /// The aggregates of a kind with at least so many commits.
    fn streams(&self, kind: AggregateKind, least: u64) -> Vec<StreamId> {
        let streams = self.world.streams(kind).into_iter();
        let mut streams: Vec<_> = streams
            .filter(|(_, version)| *version >= Version(least))
            .map(|(stream, _)| stream)
            .collect();
        streams.sort();
        streams
    }
}

/// The samples of the tables of current rows.
fn current(differences: &Differences) -> impl Iterator<Item = (&'static str, &Sample)> {
    let aside = ["counts", "event_log", "moments", "parked"];
    let tables = differences.tables.iter();
    let tables = tables.filter(move |t| !aside.contains(&t.table) && !t.table.contains("_history"));
    tables.flat_map(|t| t.samples.iter().map(|sample| (t.table, sample)))
}

/// The line that supposes a commit to be where it was.
fn line(commit: &Commit) -> String {
    let payload: Value = serde_json::from_slice(&commit.payload).expect("JSON");
    json!({
        "after": commit.position.0 - 1,
        "tenant": commit.stream.tenant.uuid(),
        "kind": commit.stream.kind.name(),
        "id": commit.stream.id,
        "events": payload["events"],
        "time": commit.meta.time,
        "actor": commit.meta.actor.to_string(),
    })
    .to_string()
}
