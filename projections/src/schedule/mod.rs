//! What the scheduler needs to know when it begins.
//!
//! Invariant: jobs, their latest slots and the open tasks are of one position, so that following
//! the log from there misses nothing and repeats nothing.

mod meant;

use std::time::Duration;

pub use meant::meant;

use schemas::{
    Version,
    domain::{JobId, OperationId, TaskId, TenantId, Timestamp, job::Job, task::Task},
};
use sqlx::{
    Row as _,
    postgres::PgRow,
    types::chrono::{DateTime, Utc},
};

use crate::{At, Overview, StoreError, models::row_of};

/// How long it may take.
const LIMIT: Duration = Duration::from_mins(1);

/// Everything that is to happen.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    /// Jobs that fire, of all tenants.
    pub jobs: Vec<DueJob>,
    /// Operations that have not ended, of all tenants.
    pub operations: Vec<(TenantId, OperationId)>,
    /// How often the jobs have fired whose runs are counted, of all tenants.
    pub runs: Vec<CountedRuns>,
    /// Tasks that have not ended, of all tenants.
    pub tasks: Vec<OpenTask>,
}

/// A job that fires.
#[derive(Clone, Debug)]
pub struct DueJob {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub id: JobId,
    /// What it is.
    pub job: Job,
    /// The latest of its slots that was decided, by firing or by skipping.
    pub last_slot: Option<Timestamp>,
}

/// How often a job has fired since it was created and while that was counted.
#[derive(Clone, Copy, Debug)]
pub struct CountedRuns {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub id: JobId,
    /// How often.
    pub runs: u32,
}

/// A task that has not ended.
#[derive(Clone, Debug)]
pub struct OpenTask {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub id: TaskId,
    /// How many commits led to it.
    pub version: Version,
    /// What it is.
    pub task: Task,
}

/// All that is to happen, at one position.
pub async fn load(overview: &Overview) -> Result<At<Schedule>, StoreError> {
    let (jobs, operations, runs, tasks) = overview
        .read_within(LIMIT, |pool| async move {
            let mut snapshot = pool
                .begin_with("begin isolation level repeatable read read only")
                .await?;
            sqlx::query("set local statement_timeout = '60s'")
                .execute(&mut *snapshot)
                .await?;
            let jobs = sqlx::query(include_str!("jobs.sql"))
                .fetch_all(&mut *snapshot)
                .await?;
            let operations = sqlx::query(include_str!("operations.sql"))
                .fetch_all(&mut *snapshot)
                .await?;
            let runs = sqlx::query(include_str!("runs.sql"))
                .fetch_all(&mut *snapshot)
                .await?;
            let tasks = sqlx::query(include_str!("tasks.sql"))
                .fetch_all(&mut *snapshot)
                .await?;
            snapshot.commit().await?;
            Ok((jobs, operations, runs, tasks))
        })
        .await?;
    let schedule = Schedule {
        jobs: jobs
            .iter()
            .filter_map(|row| due_job(row).transpose())
            .collect::<Result<_, _>>()?,
        operations: operations
            .iter()
            .map(open_operation)
            .collect::<Result<_, _>>()?,
        runs: runs.iter().map(counted).collect::<Result<_, _>>()?,
        tasks: tasks
            .iter()
            .filter_map(|row| open_task(row).transpose())
            .collect::<Result<_, _>>()?,
    };
    At::told_by(jobs.first(), schedule)
}

fn due_job(row: &PgRow) -> Result<Option<DueJob>, StoreError> {
    let Some(found) = row_of::<Job>(row)? else {
        return Ok(None);
    };
    let last_slot: Option<DateTime<Utc>> = row.try_get("last_slot")?;
    Ok(Some(DueJob {
        tenant: found.tenant,
        id: JobId::new(found.id),
        job: found.state,
        last_slot: last_slot.map(Timestamp::from),
    }))
}

fn open_operation(row: &PgRow) -> Result<(TenantId, OperationId), StoreError> {
    let tenant = TenantId::new(row.try_get("tenant_id")?);
    Ok((tenant, OperationId::new(row.try_get("id")?)))
}

fn counted(row: &PgRow) -> Result<CountedRuns, StoreError> {
    let runs: i64 = row.try_get("runs")?;
    Ok(CountedRuns {
        tenant: TenantId::new(row.try_get("tenant_id")?),
        id: JobId::new(row.try_get("id")?),
        runs: runs.try_into().unwrap_or(u32::MAX),
    })
}

fn open_task(row: &PgRow) -> Result<Option<OpenTask>, StoreError> {
    Ok(row_of::<Task>(row)?.map(|found| OpenTask {
        tenant: found.tenant,
        id: TaskId::new(found.id),
        version: found.version,
        task: found.state,
    }))
}
