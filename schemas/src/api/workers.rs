//! Workers: those that are there, and what those outside of Almanac ask and say.
//!
//! Invariant: nobody is told the task of another tenant.

use domain::{
    LogLevel, TaskId, Timestamp,
    task::{Priority, TaskError},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A worker that is there.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct WorkerView {
    /// What it is called.
    pub name: String,
    /// Whether it is outside of Almanac, and the tenant's own.
    pub external: bool,
    /// The kinds that it serves.
    pub kinds: Vec<String>,
    /// How many attempts it makes at a time; not told to other tenants than the main one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// How many it is at; not told to other tenants than the main one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy: Option<u32>,
    /// Those that are the tenant's.
    pub running: Vec<RunningView>,
    /// What it is a version of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where it is, as its configuration calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Whether it is about to go and takes no more.
    pub draining: bool,
    /// How much memory it takes; not told to other tenants than the main one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Since when it has been there.
    pub started_at: Timestamp,
    /// When it said last that it is.
    pub seen_at: Timestamp,
}

/// An attempt that a worker is at.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct RunningView {
    /// The task.
    pub task_id: TaskId,
    /// Which attempt at it, from 1.
    pub attempt: u32,
}

/// The workers that are there.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct WorkersView {
    /// By name.
    pub items: Vec<WorkerView>,
}

/// What a worker can do now.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseAttempts {
    /// What it calls itself: 1 to 40 of a-z, A-Z, 0-9, `-` and `_`.
    #[schema(min_length = 1, max_length = 40, examples("invoices-1"))]
    pub worker: String,
    /// The kinds that it does: 1 to 10, none of them Almanac's own.
    #[schema(min_items = 1, max_items = 10)]
    pub kinds: Vec<String>,
    /// How many attempts it takes at most: 1 to 20, 1 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 20)]
    pub max: Option<usize>,
    /// How many seconds it waits for the first: up to 20, none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 20)]
    pub wait_s: Option<u64>,
}

/// Attempts that a worker is to make.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct LeasedAttempts {
    /// None if there was nothing to do.
    pub items: Vec<LeasedAttempt>,
}

/// An attempt that a worker is to make.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct LeasedAttempt {
    /// What proves that it is theirs; for the paths below `/workers/attempts`.
    pub token: String,
    /// The task; a stable key for effects that must not be repeated.
    pub task_id: TaskId,
    /// Which attempt at it, from 1.
    pub attempt: u32,
    /// How many it may have.
    pub max_attempts: u32,
    /// What is to be done.
    pub kind: String,
    /// With what.
    #[schema(value_type = Object)]
    pub payload: serde_json::Value,
    /// How urgent it is.
    pub priority: Priority,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
    /// How often to say at least that it is still being made, in milliseconds: whoever is silent
    /// for three times as long has lost it.
    pub heartbeat_ms: u64,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct HeartbeatView {
    /// Whether the worker should stop.
    pub stop: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<StopWord>,
}

/// Why a worker should stop.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StopWord {
    /// The task was cancelled: stop, and say so with `fail`.
    Cancelled,
    /// The attempt is over, or another's: whatever it comes to is refused.
    Lost,
    /// It takes longer than it may: stop, and say so with `fail`.
    TimedOut,
}

/// What came of an attempt.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteAttempt {
    /// What came of it.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub output: serde_json::Value,
}

/// What went wrong in an attempt.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FailAttempt {
    /// A stable word for it, such as `out_of_paper`: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub code: String,
    /// What to tell a person.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub message: String,
    /// Whether another attempt may help; it may by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// When to try again, in milliseconds from now; by default that is up to Almanac.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 86_400_000)]
    pub retry_after_ms: Option<u64>,
}

/// What an attempt says.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SayOfAttempt {
    /// Line by line: up to 500.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub lines: Vec<SaidLine>,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<SaidProgress>,
}

/// A line that an attempt says.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaidLine {
    /// How much it matters.
    #[serde(default)]
    pub level: LogLevel,
    /// What is said.
    #[schema(max_length = 8000)]
    pub text: String,
}

/// How far an attempt says that it is.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaidProgress {
    /// How much is done.
    pub done: u64,
    /// How much there is to do, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// What is being done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

impl FailAttempt {
    /// As the log keeps it.
    pub fn error(self) -> TaskError {
        TaskError {
            code: self.code,
            message: self.message,
            retryable: self.retryable.unwrap_or(true),
            retry_after_ms: self.retry_after_ms,
        }
    }
}
