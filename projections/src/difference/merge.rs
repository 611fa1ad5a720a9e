//! Two scans of a table, one of each copy, read side by side in the order of the key.
//!
//! Invariant: each row is read once and as a digest; only the keys of samples are kept.

use std::cmp::Ordering;

use futures::{StreamExt as _, stream::BoxStream};
use sqlx::{AssertSqlSafe, PgConnection, Row as _, postgres::PgRow};
use uuid::Uuid;

use super::{
    What,
    tables::{Key, Shape, Table},
};

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) added: u64,
    pub(super) changed: u64,
    pub(super) removed: u64,
    /// The samples.
    pub(super) keys: Vec<(Key, What)>,
    /// How many rows the copy has that has more.
    pub(super) rows: u64,
}

/// The rows of one copy, with the next one at hand.
struct Scan<'a> {
    next: Option<(Key, Uuid)>,
    read: u64,
    rows: BoxStream<'a, Result<PgRow, sqlx::Error>>,
    shape: Shape,
}

/// Finds all differences of a table, and of each kind of them the first `samples`.
pub(super) async fn merge(
    (here, there): (&mut PgConnection, &mut PgConnection),
    table: &Table,
    samples: usize,
) -> Result<Tally, sqlx::Error> {
    let key = table.shape.key().join(", ");
    let (name, columns) = (table.name, &table.columns);
    // A digest of 16 bytes has the form of an id, which is shorter to send than its text.
    let scan = format!("select {key}, md5(row({columns})::text)::uuid from {name} order by {key}");
    let mut one = Scan::begin(here, &scan, table.shape).await?;
    let mut other = Scan::begin(there, &scan, table.shape).await?;
    let mut tally = Tally::default();
    loop {
        let (order, alike) = match (&one.next, &other.next) {
            (None, None) => break,
            (Some(_), None) => (Ordering::Less, false),
            (None, Some(_)) => (Ordering::Greater, false),
            (Some(one), Some(other)) => (one.0.cmp(&other.0), one.1 == other.1),
        };
        let only_one = if order.is_le() {
            one.take().await?
        } else {
            None
        };
        let only_other = if order.is_ge() {
            other.take().await?
        } else {
            None
        };
        let what = match order {
            Ordering::Equal if alike => continue,
            Ordering::Equal => What::Changed,
            Ordering::Greater => What::Added,
            Ordering::Less => What::Removed,
        };
        tally.add(only_one.or(only_other), what, samples);
    }
    tally.rows = one.read.max(other.read);
    Ok(tally)
}

impl Tally {
    fn add(&mut self, key: Option<Key>, what: What, samples: usize) {
        let count = match what {
            What::Added => &mut self.added,
            What::Changed => &mut self.changed,
            What::Removed => &mut self.removed,
        };
        *count += 1;
        if *count <= samples as u64 {
            self.keys.extend(key.map(|key| (key, what)));
        }
    }
}

impl<'a> Scan<'a> {
    async fn begin(
        snapshot: &'a mut PgConnection,
        statement: &str,
        shape: Shape,
    ) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query(AssertSqlSafe(statement.to_owned())).fetch(snapshot);
        let mut scan = Self {
            next: None,
            read: 0,
            rows,
            shape,
        };
        scan.take().await?;
        Ok(scan)
    }

    /// The key at hand; the next row takes its place.
    async fn take(&mut self) -> Result<Option<Key>, sqlx::Error> {
        let next = match self.rows.next().await.transpose()? {
            Some(row) => {
                self.read += 1;
                Some((self.shape.read(&row)?, row.try_get(self.shape.key().len())?))
            }
            None => None,
        };
        Ok(std::mem::replace(&mut self.next, next).map(|(key, _)| key))
    }
}
