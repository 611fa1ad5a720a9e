//! What the jobs are and how long their tasks take, to tell what they will do.
//!
//! Invariant: a job is here as it is at one position, with the median of what its latest tasks
//! took.

use std::time::Duration;

use schemas::domain::{JobId, TenantId, job::Job};
use sqlx::{Row as _, postgres::PgRow};

use crate::{At, Overview, StoreError, models::row_of};

/// How long it may take.
const LIMIT: Duration = Duration::from_mins(1);

/// A job, and what is known of its tasks.
#[derive(Clone, Debug)]
pub struct JobPlan {
    /// How long a task of it took, the median of the latest hundred that succeeded.
    pub duration_ms: Option<u64>,
    /// Which.
    pub id: JobId,
    /// What it is.
    pub job: Job,
    /// How often it has run, if that is counted.
    pub runs: u32,
    /// Whose.
    pub tenant: TenantId,
}

/// Every living job of every tenant.
pub async fn load(overview: &Overview) -> Result<At<Vec<JobPlan>>, StoreError> {
    let rows = overview
        .read_within(LIMIT, |pool| async move {
            let asked = sqlx::query(include_str!("plans.sql"));
            asked.fetch_all(&pool).await
        })
        .await?;
    let plans = rows.iter().filter_map(|row| plan(row).transpose());
    let plans = plans.collect::<Result<_, _>>()?;
    At::told_by(rows.first(), plans)
}

fn plan(row: &PgRow) -> Result<Option<JobPlan>, StoreError> {
    let Some(found) = row_of::<Job>(row)? else {
        return Ok(None);
    };
    let duration_ms: Option<i64> = row.try_get("duration_ms")?;
    let runs: Option<i64> = row.try_get("runs")?;
    Ok(Some(JobPlan {
        duration_ms: duration_ms.map(|ms| ms.max(0) as u64),
        id: JobId::new(found.id),
        job: found.state,
        runs: runs.map_or(0, |runs| runs.try_into().unwrap_or(u32::MAX)),
        tenant: found.tenant,
    }))
}
