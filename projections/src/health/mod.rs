//! How a job does: what its latest runs came to, and how long they took.
//!
//! Invariant: the job, its runs and its slots are read at one position; the runs are the latest
//! thousand, whatever became of them.

use schemas::{
    api::Percentiles,
    domain::{
        JobId, TenantId, Timestamp,
        job::{Job, Signs},
    },
};
use sqlx::{
    Row as _,
    postgres::PgRow,
    types::chrono::{DateTime, Utc},
};

use crate::{At, Row, Store, StoreError, models::row_of};

/// How a job does.
#[derive(Clone, Debug, PartialEq)]
pub struct JobHealth {
    /// How many of the runs were stopped.
    pub cancelled: u64,
    /// How long those took that succeeded: their last attempt.
    pub duration_ms: Percentiles,
    /// How many of the runs failed.
    pub failed: u64,
    /// The job.
    pub job: Row<Job>,
    /// How many runs these are.
    pub runs: u64,
    /// What alerts follow from.
    pub signs: Signs,
    /// How many of the runs succeeded.
    pub succeeded: u64,
    /// How long the runs waited, from their slot until their last attempt began.
    pub wait_ms: Percentiles,
}

/// How the job `job` of `tenant` does; none if there is no such job.
pub async fn health(
    store: &Store,
    tenant: TenantId,
    job: JobId,
) -> Result<At<Option<JobHealth>>, StoreError> {
    let row = store
        .read(tenant, |mut rows| {
            let asked = sqlx::query(include_str!("health.sql"))
                .bind(tenant.uuid())
                .bind(job.uuid());
            async move { asked.fetch_optional(&mut *rows).await }
        })
        .await?;
    let found = row.as_ref().map(told).transpose()?.flatten();
    At::told_by(row.as_ref(), found)
}

fn told(row: &PgRow) -> Result<Option<JobHealth>, StoreError> {
    let Some(job) = row_of::<Job>(row)? else {
        return Ok(None);
    };
    let count = |name: &str| Ok::<_, sqlx::Error>(row.try_get::<i64, _>(name)? as u64);
    let at = |name: &str| {
        let at: Option<DateTime<Utc>> = row.try_get(name)?;
        Ok::<_, sqlx::Error>(at.map(Timestamp::from))
    };
    let (runs, succeeded) = (count("runs")?, count("succeeded")?);
    let (failed, cancelled) = (count("failed")?, count("cancelled")?);
    let run: Option<i64> = row.try_get("run")?;
    Ok(Some(JobHealth {
        cancelled,
        duration_ms: percentiles(row, "took_ms", count("took_sampled")?)?,
        failed,
        job,
        runs,
        signs: Signs {
            failures_in_a_row: count("failures_in_a_row")?,
            is_running: runs > succeeded + failed + cancelled,
            last_decided: at("last_decided")?,
            last_fired: at("last_fired")?,
            runs: run.map_or(0, |run| run.try_into().unwrap_or(u32::MAX)),
        },
        succeeded,
        wait_ms: percentiles(row, "waited_ms", count("waited_sampled")?)?,
    }))
}

fn percentiles(row: &PgRow, name: &str, sampled: u64) -> Result<Percentiles, StoreError> {
    let found: Option<Vec<i64>> = row.try_get(name)?;
    // The clocks of workers and of whoever planned the slot may differ.
    let found = found
        .unwrap_or_default()
        .into_iter()
        .map(|ms| ms.max(0) as u64);
    let [p50, p95, p99] = found.collect::<Vec<_>>().try_into().unwrap_or_default();
    Ok(Percentiles {
        sampled,
        p50,
        p95,
        p99,
    })
}
