//! Tasks as the API takes and shows them.
//!
//! Invariant: what a client may ask for is a subset of what a task is; state is never an input.

use std::sync::Arc;

use domain::{
    JobId, TaskId, Timestamp,
    task::{Priority, SkipReason, TaskError, TaskSpec, TaskStatus},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A task to create.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTask {
    /// The handler that does it, such as `http`.
    #[schema(min_length = 1, max_length = 100, examples("echo"))]
    pub kind: String,
    /// What the handler is given.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub payload: serde_json::Value,
    /// Which tasks go first; `normal` by default.
    #[serde(default)]
    pub priority: Priority,
    /// How often to try: 1 to 100, 3 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub max_attempts: Option<u32>,
    /// How long one attempt may last, in milliseconds: up to one day, one minute by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86_400_000)]
    pub timeout_ms: Option<u64>,
    /// When it may start at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

/// Why to stop a task.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelTask {
    /// In your words, for whoever asks later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

/// The latest attempt at a task.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct AttemptView {
    /// Which one, from 1.
    pub number: u32,
    /// Who runs it.
    pub worker: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct TaskView {
    /// Its identity.
    pub id: TaskId,
    /// Where in its life it is.
    pub status: TaskStatus,
    /// The handler that does it.
    pub kind: String,
    /// What the handler is given.
    #[schema(value_type = Object)]
    pub payload: Arc<serde_json::Value>,
    /// Which tasks go first.
    pub priority: Priority,
    /// How often to try.
    pub max_attempts: u32,
    /// How long one attempt may last, in milliseconds.
    pub timeout_ms: u64,
    /// When it may start at the earliest: its `not_before`, or the time of its next attempt.
    pub due_at: Option<Timestamp>,
    /// The job it belongs to.
    pub job_id: Option<JobId>,
    /// The slot of that job, unless somebody triggered it by hand.
    pub slot: Option<Timestamp>,
    /// The latest attempt.
    pub attempt: Option<AttemptView>,
    /// Whether somebody asked it to stop.
    pub cancel_requested: bool,
    /// What went wrong last.
    pub error: Option<TaskError>,
    /// Why its slot was skipped.
    pub skipped: Option<SkipReason>,
    /// What came of it.
    #[schema(value_type = Object)]
    pub output: Option<serde_json::Value>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Counts the changes; the `ETag`.
    pub version: u64,
}

impl From<CreateTask> for TaskSpec {
    fn from(wanted: CreateTask) -> Self {
        Self {
            kind: wanted.kind,
            payload: wanted.payload.into(),
            priority: wanted.priority,
            max_attempts: wanted.max_attempts.unwrap_or(3),
            timeout_ms: wanted.timeout_ms.unwrap_or(60_000),
        }
    }
}
