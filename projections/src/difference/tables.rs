//! The tables that come from the log, and the key by which each is compared.
//!
//! Invariant: `TABLES` lists them all, which a test holds against the catalogue; keys are ordered
//! here as Postgres orders them.

use std::collections::HashMap;

use schemas::domain::AggregateKind;
use sqlx::{PgConnection, Row as _, postgres::PgRow};
use uuid::Uuid;

use crate::StoreError;

/// All tables whose rows come from the log. What stands where the read models are (`checkpoint`)
/// does not differ, and the audit has a log of its own.
const TABLES: [(&str, Shape); 23] = [
    ("api_keys", Shape::Current(AggregateKind::ApiKey)),
    ("api_keys_history", Shape::History(AggregateKind::ApiKey)),
    ("counts", Shape::Counts),
    ("event_log", Shape::Events),
    ("jobs", Shape::Current(AggregateKind::Job)),
    ("jobs_history", Shape::History(AggregateKind::Job)),
    ("moments", Shape::Positions),
    ("operations", Shape::Current(AggregateKind::Operation)),
    (
        "operations_history",
        Shape::History(AggregateKind::Operation),
    ),
    ("parked", Shape::Positions),
    (
        "resource_types",
        Shape::Current(AggregateKind::ResourceType),
    ),
    (
        "resource_types_history",
        Shape::History(AggregateKind::ResourceType),
    ),
    ("resources", Shape::Current(AggregateKind::Resource)),
    ("resources_history", Shape::History(AggregateKind::Resource)),
    ("settings", Shape::Current(AggregateKind::Settings)),
    ("settings_history", Shape::History(AggregateKind::Settings)),
    ("skipped_commits", Shape::Positions),
    ("tasks", Shape::Current(AggregateKind::Task)),
    ("tasks_history", Shape::History(AggregateKind::Task)),
    ("tenants", Shape::Current(AggregateKind::Tenant)),
    ("tenants_history", Shape::History(AggregateKind::Tenant)),
    ("users", Shape::Current(AggregateKind::User)),
    ("users_history", Shape::History(AggregateKind::User)),
];

/// What a table has a row for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// A number of aggregates.
    Counts,
    /// An aggregate that lives.
    Current(AggregateKind),
    /// An event.
    Events,
    /// A version of an aggregate that has ended.
    History(AggregateKind),
    /// A position of the log.
    Positions,
}

/// What tells a row from all others of its table, in the order in which they are read.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Key {
    Aggregate(Uuid, Uuid),
    Bucket(Uuid, String, String),
    Event(i64, i32),
    Position(i64),
    Version(Uuid, Uuid, i64),
}

/// A table of both copies.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// What does not follow from another column, with commas between.
    pub(super) columns: String,
}

/// All tables; both copies must have them, with the same columns.
pub(super) async fn of(
    here: &mut PgConnection,
    there: &mut PgConnection,
) -> Result<Vec<Table>, StoreError> {
    let (mut here, there) = (columns(here).await?, columns(there).await?);
    let mut tables = Vec::with_capacity(TABLES.len());
    for (name, shape) in TABLES {
        let (Some(columns), Some(others)) = (here.remove(name), there.get(name)) else {
            let told = format!("a copy has no table {name}, or is being filled");
            return Err(StoreError::Corrupt(told));
        };
        if columns != *others {
            let told = format!("the copies are of different versions: columns of {name} differ");
            return Err(StoreError::Corrupt(told));
        }
        tables.push(Table {
            name,
            shape,
            columns,
        });
    }
    Ok(tables)
}

async fn columns(snapshot: &mut PgConnection) -> Result<HashMap<String, String>, sqlx::Error> {
    let rows = sqlx::query(include_str!("columns.sql"))
        .fetch_all(snapshot)
        .await?;
    let read = |row: &PgRow| Ok((row.try_get("table")?, row.try_get("columns")?));
    rows.iter().map(read).collect()
}

impl Shape {
    /// The columns of the key.
    pub(super) const fn key(self) -> &'static [&'static str] {
        match self {
            Self::Counts => &["tenant_id", "model collate \"C\"", "bucket collate \"C\""],
            Self::Current(_) => &["tenant_id", "id"],
            Self::Events => &["position", "index"],
            Self::History(_) => &["tenant_id", "id", "valid_from"],
            Self::Positions => &["position"],
        }
    }

    /// The key that a row begins with.
    pub(super) fn read(self, row: &PgRow) -> Result<Key, sqlx::Error> {
        Ok(match self {
            Self::Counts => Key::Bucket(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?),
            Self::Current(_) => Key::Aggregate(row.try_get(0)?, row.try_get(1)?),
            Self::Events => Key::Event(row.try_get(0)?, row.try_get(1)?),
            Self::History(_) => Key::Version(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?),
            Self::Positions => Key::Position(row.try_get(0)?),
        })
    }

    /// The kind of aggregate that all its rows are of.
    pub(super) const fn kind(self) -> Option<AggregateKind> {
        match self {
            Self::Current(kind) | Self::History(kind) => Some(kind),
            Self::Counts | Self::Events | Self::Positions => None,
        }
    }
}
