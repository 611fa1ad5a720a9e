//! How two copies of the read models differ, which are two schemas of one database.
//!
//! Invariant: every row of every table that comes from the log is compared with the one of the same
//! key, in memory that does not depend on how many there are.

mod merge;
mod sample;
mod tables;
mod told;

use schemas::{Position, domain::TenantId};
use serde::Serialize;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::{Overview, StoreError};
use merge::Tally;
use tables::Table;

/// How two copies of the read models differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Differences {
    /// Where each copy is. If they are not at the same position, what was written between the two
    /// differs as well.
    pub positions: (Position, Position),
    /// How many rows were compared: those of the copy that has more of them, table by table.
    pub rows: u64,
    /// All tables, also those in which nothing differs.
    pub tables: Vec<TableDifference>,
}

/// How one table differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableDifference {
    /// Its name.
    pub table: &'static str,
    /// How many rows only the other copy has.
    pub added: u64,
    /// How many rows only the one copy has.
    pub removed: u64,
    /// How many rows both have, and not alike.
    pub changed: u64,
    /// Some of them, in the order of their keys.
    pub samples: Vec<Sample>,
}

/// A row that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// How it differs.
    pub what: What,
    /// Whose it is, if it is a tenant's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// The kind of its aggregate, if it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The id of its aggregate, if it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// The row of the one copy, without the columns that are computed from others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one: Option<Value>,
    /// The row of the other copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<Value>,
    /// The fields that are not alike (RFC 6901); a list is one field. None if one has no row.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The events behind it: those that made the rows, and some that only one copy has of the
    /// aggregate. A count has none: those of the rows that it counts are behind it.
    pub events: Vec<EventBehind>,
}

/// How something differs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Only the other copy has it.
    Added,
    /// Both have it, and not alike.
    Changed,
    /// Only the one copy has it.
    Removed,
}

/// An event that has to do with a difference.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct EventBehind {
    /// The place of its commit in the log.
    pub position: Position,
    /// What happened, such as `task.created`.
    #[serde(rename = "type")]
    pub name: String,
    /// How the copies differ in the event itself; none if they tell the same of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<What>,
}

impl Differences {
    /// Whether the copies are alike.
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(TableDifference::is_empty)
    }
}

impl TableDifference {
    /// Whether the table is alike in both copies.
    pub fn is_empty(&self) -> bool {
        (self.added, self.removed, self.changed) == (0, 0, 0)
    }
}

/// Compares `other` with `one`: what it has besides is added, what it lacks is removed. Of each
/// kind of difference, each table gives at most so many samples.
///
/// Each copy is read as it is at one moment; what is written meanwhile does not count.
pub async fn difference(
    one: &Overview,
    other: &Overview,
    samples: usize,
) -> Result<Differences, StoreError> {
    let (mut here, mut there) = (one.connection().await?, other.connection().await?);
    let (mut here, mut there) = (
        Snapshot::of(&mut here).await?,
        Snapshot::of(&mut there).await?,
    );
    between((&mut here, &mut there), samples).await
}

/// A copy as it is at one moment, which is now, whatever is written later.
pub(crate) struct Snapshot<'a> {
    pub(crate) position: Position,
    transaction: Transaction<'a, Postgres>,
}

impl<'a> Snapshot<'a> {
    pub(crate) async fn of(connection: &'a mut PgConnection) -> Result<Self, sqlx::Error> {
        let begin = "begin isolation level repeatable read read only";
        let mut transaction = connection.begin_with(begin).await?;
        // The moment is that of the first question, not of the beginning.
        let ask = "select position from checkpoint";
        let position: Option<i64> = sqlx::query_scalar(ask)
            .fetch_optional(&mut *transaction)
            .await?;
        Ok(Self {
            position: Position(position.unwrap_or(0) as u64),
            transaction,
        })
    }
}

/// As [`difference`], of two copies each of which is held at its moment.
pub(crate) async fn between(
    (one, other): (&mut Snapshot<'_>, &mut Snapshot<'_>),
    samples: usize,
) -> Result<Differences, StoreError> {
    let mut found = Differences {
        positions: (one.position, other.position),
        rows: 0,
        tables: Vec::new(),
    };
    let (here, there) = (&mut *one.transaction, &mut *other.transaction);
    for table in tables::of(here, there).await? {
        let (rows, differs) = compare((&mut *here, &mut *there), &table, samples).await?;
        found.rows += rows;
        found.tables.push(differs);
    }
    Ok(found)
}

async fn compare(
    (here, there): (&mut PgConnection, &mut PgConnection),
    table: &Table,
    samples: usize,
) -> Result<(u64, TableDifference), StoreError> {
    let Tally {
        added,
        changed,
        keys,
        removed,
        rows,
    } = merge::merge((&mut *here, &mut *there), table, samples).await?;
    let mut differs = TableDifference {
        table: table.name,
        added,
        removed,
        changed,
        samples: Vec::with_capacity(keys.len()),
    };
    for (key, what) in keys {
        let sample = sample::of((&mut *here, &mut *there), table, &key, what).await?;
        differs.samples.push(sample);
    }
    Ok((rows, differs))
}
