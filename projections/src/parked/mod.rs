//! Commits that could not be applied, and those that wait behind them.
//!
//! Invariant: a parked commit is kept whole, so that it can be shown and, once mended, tried again.

use schemas::{
    Position,
    domain::{TenantId, Timestamp},
};
use sqlx::{
    Row as _,
    types::chrono::{DateTime, Utc},
};
use uuid::Uuid;

use crate::{At, Overview, StoreError};

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
        let Some(position) = row.try_get::<Option<i64>, _>("position")? else {
            continue;
        };
        parked.push(Parked {
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
        });
    }
    At::told_by(rows.first(), parked)
}
