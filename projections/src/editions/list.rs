//! Which editions there are.
//!
//! Invariant: an edition is told of only as far as it is open to who asks; while it is filled
//! nothing of it is taken for whole.

use schemas::{Position, domain::Timestamp};
use serde::Serialize;
use sqlx::{
    AssertSqlSafe, Row as _,
    postgres::PgRow,
    types::chrono::{DateTime, Utc},
};
use std::{collections::BTreeMap, time::Duration};

use super::Edition;
use crate::{Overview, StoreError};

/// How long counting rows may take.
const COUNT_MAX: Duration = Duration::from_mins(1);

/// An edition that there is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Which.
    pub edition: Edition,
    /// Its schema.
    pub schema: &'static str,
    /// Whether it is whole.
    pub state: State,
    /// The last commit that it holds; while it is filled, of those that its copy of the log holds.
    pub position: Position,
    /// When that was committed.
    pub reached_at: Option<Timestamp>,
    /// When a rebuild had filled it; none if a projector wrote it from the first commit on.
    pub filled_at: Option<Timestamp>,
    /// How often what it held was changed by anybody but a projector that went on.
    pub generation: u64,
    /// What it takes on disk.
    pub bytes: u64,
    /// How many rows each table has; none while it is filled.
    pub rows: BTreeMap<String, u64>,
}

/// Whether an edition is whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It holds every commit up to its position, but for those that are parked.
    Complete,
    /// It is filled at this moment, or that was broken off.
    Filling,
}

/// Whether a rebuild, a swap or a rollback is under way.
pub async fn is_at_work(overview: &Overview) -> Result<bool, StoreError> {
    overview
        .read(|pool| async move {
            let ask = sqlx::query_scalar(include_str!("sql/is_at_work.sql"));
            ask.fetch_one(&pool).await
        })
        .await
}

/// Every edition there is, the live one first; with `rows`, all of them are counted.
pub async fn list(overview: &Overview, rows: bool) -> Result<Vec<Found>, StoreError> {
    let schemas = overview
        .read(|pool| async move {
            let ask = sqlx::query(include_str!("sql/schemas.sql"));
            ask.fetch_all(&pool).await
        })
        .await?;
    let mut editions = Vec::with_capacity(schemas.len());
    for edition in Edition::ALL {
        let mut named = schemas.iter();
        let schema = edition.schema();
        let Some(there) = named.find(|row| {
            row.try_get::<&str, _>("schema")
                .is_ok_and(|name| name == schema)
        }) else {
            continue;
        };
        editions.push(found(overview, edition, there, rows).await?);
    }
    Ok(editions)
}

async fn found(
    overview: &Overview,
    edition: Edition,
    there: &PgRow,
    rows: bool,
) -> Result<Found, StoreError> {
    let mut found = Found {
        edition,
        schema: edition.schema(),
        state: State::Filling,
        position: Position(0),
        reached_at: None,
        filled_at: None,
        generation: 0,
        bytes: there.try_get::<i64, _>("bytes")? as u64,
        rows: BTreeMap::new(),
    };
    if !there.try_get("is_open")? {
        return Ok(found);
    }
    let beside = overview.beside(edition.schema());
    let standing = beside
        .read(|pool| async move {
            let ask = sqlx::query(include_str!("sql/found.sql"));
            ask.fetch_optional(&pool).await
        })
        .await?;
    let Some(standing) = standing else {
        return Ok(found);
    };
    let instant = |name| -> Result<_, sqlx::Error> {
        let at: Option<DateTime<Utc>> = standing.try_get(name)?;
        Ok(at.map(Timestamp::from))
    };
    found.position = Position(standing.try_get::<i64, _>("position")? as u64);
    found.generation = standing.try_get::<i64, _>("generation")? as u64;
    found.reached_at = instant("reached_at")?;
    found.filled_at = instant("filled_at")?;
    if there.try_get("is_filling")? {
        found.position = Position(standing.try_get::<i64, _>("mirrored")? as u64);
        return Ok(found);
    }
    found.state = State::Complete;
    if rows {
        found.rows = count(&beside).await?;
    }
    Ok(found)
}

async fn count(overview: &Overview) -> Result<BTreeMap<String, u64>, StoreError> {
    let counting = overview.read_within(COUNT_MAX, |pool| async move {
        let mut counting = pool.begin().await?;
        sqlx::query("set local statement_timeout = 0")
            .execute(&mut *counting)
            .await?;
        let statement: String = sqlx::query_scalar(include_str!("sql/count.sql"))
            .fetch_one(&mut *counting)
            .await?;
        // Names of tables, quoted by Postgres itself.
        let counts: Vec<(String, i64)> = sqlx::query_as(AssertSqlSafe(statement))
            .fetch_all(&mut *counting)
            .await?;
        Ok(counts)
    });
    let counts = counting.await?.into_iter();
    Ok(counts.map(|(table, rows)| (table, rows as u64)).collect())
}
