//! Commits that could not be applied, those that wait behind them, and those that were left out.
//!
//! Invariant: a parked commit is kept whole, so that it can be shown and, once mended, tried again.

use schemas::{
    Position,
    domain::{TenantId, Timestamp},
};
use sqlx::{
    Row as _,
    postgres::PgRow,
    types::chrono::{DateTime, Utc},
};
use uuid::Uuid;

use crate::{At, Overview, StoreError, runner::Skip};

/// A commit that the read models do not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Parked {
    /// Its place in the log.
    pub position: Position,
    /// Whose it is, if it can be told.
    pub tenant: Option<TenantId>,
    /// The kind of its aggregate, if it can be told.
    pub kind: Option<String>,
    /// The id of its aggregate, if it can be told.
    pub id: Option<Uuid>,
    /// Where it was published, if it is not a commit at all.
    pub subject: Option<String>,
    /// Why it cannot be applied.
    pub reason: String,
    /// The commit's own time, if it can be told.
    pub parked_at: Option<Timestamp>,
}

/// A parked commit that waits for no other.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// What is parked.
    pub parked: Parked,
    /// How many of its aggregate wait behind it.
    pub behind: u64,
}

/// A commit that was left out for good.
#[derive(Clone, Debug, PartialEq)]
pub struct Skipped {
    /// What was parked.
    pub parked: Parked,
    /// When it was left out.
    pub at: Timestamp,
    /// Who left it out.
    pub by: String,
    /// Where in the log that stands.
    pub decided: Position,
    /// Why, in their words.
    pub reason: String,
}

/// What is parked of one aggregate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Waiting {
    /// What the others wait for.
    pub head: Position,
    /// All of them, the oldest first.
    pub positions: Vec<Position>,
    /// Why the first cannot be applied.
    pub reason: String,
}

/// The parked commits of `tenant`, or of all, the oldest first; at most 1,000.
pub async fn list(
    overview: &Overview,
    tenant: Option<TenantId>,
) -> Result<At<Vec<Parked>>, StoreError> {
    let rows = overview
        .read(|pool| async move {
            sqlx::query(include_str!("list.sql"))
                .bind(tenant.map(TenantId::uuid))
                .fetch_all(&pool)
                .await
        })
        .await?;
    let mut parked = Vec::with_capacity(rows.len());
    for row in &rows {
        parked.extend(read(row)?);
    }
    At::told_by(rows.first(), parked)
}

/// The parked commits of all tenants that wait for no other, the oldest first; at most 1,000.
pub async fn heads(overview: &Overview) -> Result<At<Vec<Head>>, StoreError> {
    let rows = overview
        .read(|pool| async move {
            sqlx::query(include_str!("heads.sql"))
                .fetch_all(&pool)
                .await
        })
        .await?;
    let mut heads = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Some(parked) = read(row)? {
            let behind = row.try_get::<i64, _>("behind")? as u64;
            heads.push(Head { parked, behind });
        }
    }
    At::told_by(rows.first(), heads)
}

/// The commits of all tenants that were left out, the oldest first; at most 1,000.
pub async fn skipped(overview: &Overview) -> Result<At<Vec<Skipped>>, StoreError> {
    let rows = overview
        .read(|pool| async move {
            sqlx::query(include_str!("skipped.sql"))
                .fetch_all(&pool)
                .await
        })
        .await?;
    let mut skipped = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Some((parked, skip)) = read(row)?.zip(Skip::read(row)?) {
            skipped.push(Skipped {
                parked,
                at: skip.at,
                by: skip.by,
                decided: skip.position,
                reason: skip.reason,
            });
        }
    }
    At::told_by(rows.first(), skipped)
}

/// What is parked of the aggregate of what is parked at `position`; none if nothing is parked
/// there.
pub async fn of(
    overview: &Overview,
    position: Position,
) -> Result<At<Option<Waiting>>, StoreError> {
    let rows = overview
        .read(|pool| async move {
            sqlx::query(include_str!("of.sql"))
                .bind(position.0 as i64)
                .fetch_all(&pool)
                .await
        })
        .await?;
    let mut positions = Vec::with_capacity(rows.len());
    let mut reason = None;
    for row in &rows {
        if let Some(position) = row.try_get::<Option<i64>, _>("position")? {
            positions.push(Position(position as u64));
            reason = reason.or(row.try_get("reason")?);
        }
    }
    let waiting = positions.first().copied().zip(reason);
    let waiting = waiting.map(|(head, reason)| Waiting {
        head,
        positions,
        reason,
    });
    At::told_by(rows.first(), waiting)
}

/// Which of these positions are parked, and why.
pub async fn among(
    overview: &Overview,
    positions: &[Position],
) -> Result<At<Vec<(Position, String)>>, StoreError> {
    let positions: Vec<_> = positions.iter().map(|position| position.0 as i64).collect();
    let asked = &positions;
    let rows = overview
        .read(|pool| async move {
            sqlx::query(include_str!("among.sql"))
                .bind(asked)
                .fetch_all(&pool)
                .await
        })
        .await?;
    let mut parked = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Some(position) = row.try_get::<Option<i64>, _>("position")? {
            parked.push((Position(position as u64), row.try_get("reason")?));
        }
    }
    At::told_by(rows.first(), parked)
}

/// What a row says is or was parked, if it says that of anything.
fn read(row: &PgRow) -> Result<Option<Parked>, StoreError> {
    let Some(position) = row.try_get::<Option<i64>, _>("position")? else {
        return Ok(None);
    };
    Ok(Some(Parked {
        position: Position(position as u64),
        tenant: row
            .try_get::<Option<Uuid>, _>("tenant_id")?
            .map(TenantId::new),
        kind: row.try_get("kind")?,
        id: row.try_get("id")?,
        subject: row.try_get("subject")?,
        reason: row.try_get("reason")?,
        parked_at: row
            .try_get::<Option<DateTime<Utc>>, _>("parked_at")?
            .map(Timestamp::from),
    }))
}
