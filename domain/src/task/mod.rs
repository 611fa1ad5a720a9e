//! A task: one unit of work, tried until it ends.
//!
//! Life cycle:
//!
//! ```text
//!             created                       ┌────────── handed back ──────────┐
//!   (none) ─────────────► queued ◄──────────┘                                 │
//!      │    not before      │ ▲  requeued (by hand)                           │
//!      ├──────► scheduled   │ └───────────── failed · dead · cancelled         │
//!      │            │       │ started                 ▲                       │
//!      │            └───────┴──────► running ─────────┼───────────────────────┘
//!      │   due, then started ▲         │ │ │          │
//!      │                     │         │ │ └► succeeded    cancelled: at once while it waits,
//!      │                     │         │ │                 while it runs once its worker confirms
//!      │                  retrying ◄───┘ └► failed (not retryable) · dead (attempts used up)
//!      └──► skipped   a job's slot that was decided not to run: the end
//! ```
//!
//! Invariant: at most one attempt runs at a time; only the worker that started it can end it; and a
//! task in `succeeded` or `skipped` never changes again.

mod decide;
mod events;
mod retry;
mod state;
#[cfg(test)]
mod tests;

pub use decide::{TaskCommand, TaskRejection};
pub use events::{
    TaskAttemptFailed, TaskCancelRequested, TaskCancelled, TaskCreated, TaskDied, TaskEvent,
    TaskFailed, TaskHandedBack, TaskRequeued, TaskRetryScheduled, TaskSlotSkipped, TaskStarted,
    TaskSucceeded,
};
pub use retry::{RETRY_BASE_MS, RETRY_CAP_MS, retry_delay_ms};
pub use state::{Attempt, Task, TaskStatus};

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{JobId, Timestamp};

/// The most attempts a task may be given.
pub const MAX_ATTEMPTS: u32 = 100;
/// The longest an attempt may last: one day, in milliseconds.
pub const TIMEOUT_MAX_MS: u64 = 24 * 3_600_000;

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

/// What is to be done, by whom and how insistently.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
pub struct TaskSpec {
    /// The handler that does it, such as `http`.
    #[schema(min_length = 1, max_length = 100, examples("echo"))]
    pub kind: String,
    // Shared, since all slots of a job become tasks with the same.
    /// What the handler is given.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub payload: Arc<serde_json::Value>,
    /// Which tasks go first.
    #[serde(default)]
    #[schema(default = "normal")]
    pub priority: Priority,
    /// How often to try: 1 to 100.
    #[serde(default = "default_max_attempts")]
    #[schema(default = 3, minimum = 1, maximum = 100)]
    pub max_attempts: u32,
    /// How long one attempt may last, up to one day.
    #[serde(default = "default_timeout_ms")]
    #[schema(default = 60_000, minimum = 1, maximum = 86_400_000)]
    pub timeout_ms: u64,
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

fn default_max_attempts() -> u32 {
    3
}

fn default_timeout_ms() -> u64 {
    60_000
}
