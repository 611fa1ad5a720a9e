//! The read models of any past moment, and those of a history that was not.
//!
//! Invariant: only schemas that are made for it are written; neither the live read models nor the
//! log can be told from here.

mod branch;
mod life;
mod plan;
mod supposed;
mod told;

use std::collections::BTreeSet;

use event_log::{Entry, LogError, SharedLog};
use futures::StreamExt as _;
use schemas::{
    Position,
    domain::{TenantId, Timestamp},
};
use serde::Serialize;
use sqlx::Row as _;
use uuid::Uuid;

use crate::{
    Differences, Overview, Owner, RunError, StoreError, Writer, difference,
    rebuild::{Rebuild, beside},
};

pub(crate) use plan::Plan;
pub use supposed::{Supposed, SupposedError};

/// Why there is no replay.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// What was asked cannot be; nothing was done.
    #[error("{0}")]
    Refused(String),
    /// The log or Postgres failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// A history that was not.
#[derive(Clone, Debug)]
pub struct Supposition<'a> {
    /// Up to where.
    pub to: Position,
    /// Commits that are taken out.
    pub without: &'a BTreeSet<Position>,
    /// Commits that are put in.
    pub with: &'a [Supposed],
}

/// What would be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WhatIf {
    /// Up to where the log was replayed.
    pub position: Position,
    /// Commits that are left out as well, since they have nothing left to change, or never had.
    pub no_longer: Vec<NoLonger>,
    /// How the read models would differ from those of the log as it is.
    pub differences: Differences,
}

/// A commit of a history that was not, which changes nothing in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoLonger {
    /// Its place in the log, or the one it was given after the end.
    pub position: Position,
    /// The line that supposes it, if it is not in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Whose it is.
    pub tenant: TenantId,
    /// The kind of its aggregate.
    pub kind: &'static str,
    /// The id of its aggregate.
    pub id: Uuid,
    /// What it says that happened.
    pub events: Vec<String>,
    /// Why it changes nothing.
    pub reason: String,
}

/// Makes the read models as they were at `to` in `schema`, which is emptied if a replay made it,
/// and refused if not. Tells `progress` each position it reaches.
pub async fn replay(
    log: &SharedLog,
    owner: &Owner,
    writer: &Writer,
    schema: &str,
    to: Position,
    progress: impl Fn(Position),
) -> Result<Position, ReplayError> {
    reached(log, to).await?;
    let rebuild = Rebuild {
        log,
        owner,
        scratch: scratch(writer, schema)?,
        is_scratch: true,
        to,
        plan: None,
    };
    Ok(rebuild.run(progress).await?)
}

/// Makes the read models that would be in `schema`, as [`replay`] does those that were. Says what
/// could not happen any more.
pub async fn suppose(
    log: &SharedLog,
    owner: &Owner,
    writer: &Writer,
    schema: &str,
    supposition: &Supposition<'_>,
    progress: impl Fn(Position),
) -> Result<Vec<NoLonger>, ReplayError> {
    let Supposition { to, without, with } = *supposition;
    reached(log, to).await?;
    let plan = Plan::of(log, to, without, with).await?;
    let rebuild = Rebuild {
        log,
        owner,
        scratch: scratch(writer, schema)?,
        is_scratch: true,
        to,
        plan: Some(&plan),
    };
    rebuild.run(|at| progress(at.min(to))).await?;
    Ok(plan.no_longer)
}

/// The read models of `schema`, as they were, beside those of `supposed`, as they would be: both
/// are made, and differ by what is told. Of each kind of difference, each table gives at most so
/// many `samples`. Tells `progress` how far it has come of twice the log.
pub async fn what_if(
    log: &SharedLog,
    (owner, writer, overview): (&Owner, &Writer, &Overview),
    (schema, supposed): (&str, &str),
    supposition: &Supposition<'_>,
    samples: usize,
    progress: impl Fn(Position),
) -> Result<WhatIf, ReplayError> {
    let no_longer = suppose(log, owner, writer, supposed, supposition, &progress).await?;
    let position = supposition.to;
    let again = |at: Position| progress(Position(position.0 + at.0));
    replay(log, owner, writer, schema, position, again).await?;
    let (was, would) = (overview.beside(schema), overview.beside(supposed));
    Ok(WhatIf {
        position,
        no_longer,
        differences: difference(&was, &would, samples).await?,
    })
}

/// The position of the last commit at or before `time`, as far as `log` goes.
pub async fn position_at(
    log: &SharedLog,
    overview: &Overview,
    time: Timestamp,
) -> Result<Position, RunError> {
    let row = overview
        .read(|pool| async move {
            sqlx::query(include_str!("reached.sql"))
                .bind(time.to_chrono())
                .fetch_one(&pool)
                .await
        })
        .await?;
    let mut last = Position(row.try_get::<i64, _>("position")? as u64);
    let known = Position(row.try_get::<i64, _>("reached")? as u64);
    // What the read models do not hold yet, the log knows.
    let head = log.head().await?.position;
    let mut parts = log.scan(known, head.max(known)).await?;
    while let Some(part) = parts.next().await {
        for entry in part? {
            match entry {
                Entry::Commit(commit) if commit.meta.time <= time => last = commit.position,
                Entry::Commit(_) | Entry::Unreadable(_) => {}
            }
        }
    }
    Ok(last)
}

fn scratch(writer: &Writer, schema: &str) -> Result<Writer, ReplayError> {
    beside(writer, schema).map_err(|failure| match failure {
        RunError::Halted { reason } => ReplayError::Refused(reason),
        failure => failure.into(),
    })
}

/// Refuses what the log has not reached.
async fn reached(log: &SharedLog, to: Position) -> Result<(), ReplayError> {
    let head = log.head().await?.position;
    if to > head {
        let told = format!("position {to} has not come: the log ends at {head}");
        return Err(ReplayError::Refused(told));
    }
    Ok(())
}

impl From<LogError> for ReplayError {
    fn from(failure: LogError) -> Self {
        Self::Run(failure.into())
    }
}

impl From<StoreError> for ReplayError {
    fn from(failure: StoreError) -> Self {
        Self::Run(failure.into())
    }
}
