//! A task: one unit of work, tried until it ends.
//!
//! Life cycle:
//!
//! ```text
//!             created                       ┌────────── handed back ──────────┐
//!   (none) ─────────────► queued ◄──────────┘                                 │
//!      │    not before,     │ ▲  requeued (by hand)                           │
//!      │    or after others │ │                                               │
//!      ├──────► scheduled   │ └───────────── failed · dead · cancelled         │
//!      │            │       │ started                 ▲                       │
//!      │            └───────┴──────► running ─────────┼───────────────────────┘
//!      │   due, then started ▲         │ │ │          │
//!      │                     │         │ │ └► succeeded    cancelled: at once while it waits,
//!      │                     │         │ │                 while it runs once its worker confirms
//!      │                  retrying ◄───┘ └► failed (not retryable) · dead (attempts used up)
//!   scheduled, queued, retrying, running ──► failed   a limit of the whole task was exceeded
//!      └──► skipped   a job's slot that was decided not to run: the end
//! ```
//!
//! Invariant: at most one attempt runs at a time; only the worker that started it can end it; and a
//! task in `succeeded` or `skipped` never changes again. While it is held back for other tasks no
//! attempt begins, whatever the clock says. A result that comes too late changes nothing.

mod cancel;
mod decide;
mod dependency;
mod events;
mod kinds;
mod late;
mod limit;
#[cfg(test)]
mod races;
mod retry;
mod spec;
mod state;
mod story;
#[cfg(test)]
mod tests;

pub use cancel::{CancelMode, GRACE_MAX_MS, GRACE_MS};
pub use decide::{TaskCommand, TaskRejection};
pub use dependency::{DEPENDENCIES_MAX, Dependency, Standing, When};
pub use events::{
    TaskAttemptFailed, TaskCancelRequested, TaskCancelled, TaskCreated, TaskDied, TaskEvent,
    TaskFailed, TaskHandedBack, TaskReleased, TaskRequeued, TaskResultRefused, TaskRetryScheduled,
    TaskSlotSkipped, TaskStarted, TaskSucceeded, TaskTimedOut,
};
pub use kinds::{BUILT_IN_KINDS, is_built_in};
pub use late::{AttemptResult, LATE_MAX, LateResult};
pub use limit::Limit;
pub use retry::{Backoff, Jitter, RETRY_BASE_MS, RETRY_CAP_MS};
pub use spec::{MAX_ATTEMPTS, TIMEOUT_MAX_MS, TOTAL_MAX_MS, TaskSpec};
pub use state::{Attempt, Task, TaskStatus};
pub use story::{Chapter, Doing, story};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{JobId, Timestamp};

/// Which tasks go first.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Eq,
    Hash,
    JsonSchema,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Recovery, security.
    Critical,
    /// Backups, health checks, synchronisation.
    High,
    /// Reports, aggregation.
    #[default]
    Normal,
    /// Clean-up, archiving.
    Low,
}

impl Priority {
    /// Every priority, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

/// What made a task.
#[derive(Clone, Copy, Debug, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
pub struct JobSlot {
    /// The job.
    pub job_id: JobId,
    /// The slot that was due; absent when somebody triggered the job by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Timestamp>,
    /// Which run of the job it is, from 1; counted only for jobs with a limit of runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u32>,
}

/// Why a slot that was due did not become a running task.
#[derive(Clone, Copy, Debug, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Its turn came later than the job's start deadline allows.
    Deadline,
    /// Too late: the job's misfire policy gives it up.
    Misfire,
    /// The job's task before this one had not ended.
    Overlap,
}

/// What went wrong in an attempt.
#[derive(Clone, Debug, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
pub struct TaskError {
    /// A stable word for it, such as `timeout`.
    pub code: String,
    /// What to tell a person.
    pub message: String,
    /// Whether another attempt may help.
    pub retryable: bool,
    /// When the other side asked to be tried again, in milliseconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}
