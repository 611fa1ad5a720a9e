//! Tasks as the API takes and shows them.
//!
//! Invariant: what a client may ask for is a subset of what a task is; state is never an input.

use std::sync::Arc;

use domain::{
    JobId, TaskId, Timestamp,
    task::{
        Backoff, CancelMode, Dependency, LateResult, Priority, SkipReason, TaskError, TaskSpec,
        TaskStatus,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A task to create.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
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
    /// How long it may wait for a worker once an attempt could be made, in milliseconds; without,
    /// for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub queue_timeout_ms: Option<u64>,
    /// How long all of it may take, from its creation to its end, in milliseconds; without, for
    /// ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub total_timeout_ms: Option<u64>,
    /// How long its handler may show no sign of life, in milliseconds; without, as long as the
    /// attempt may last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86_400_000)]
    pub silence_timeout_ms: Option<u64>,
    /// How long to wait between attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Backoff>,
    /// When it may start at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The tasks that must come first, at most 100: until then it is `scheduled`; it is cancelled
    /// once one of them cannot become what it has to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100)]
    pub after: Vec<Dependency>,
    /// Of its kind, at most one task with this key is open at a time: a second one is refused with
    /// the first one's identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub unique_key: Option<String>,
}

/// Tasks to create together: all or none.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTasks {
    /// 1 to 1,000 of them, none with a uniqueness key.
    #[schema(min_items = 1, max_items = 1000)]
    pub tasks: Vec<CreateTask>,
}

/// Tasks that were created together.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct BatchView {
    /// What they can be listed by.
    pub batch: uuid::Uuid,
    /// Their identities, in the order in which they were asked for.
    pub ids: Vec<TaskId>,
}

/// What is to be different when a task is run again.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunAgain {
    /// What the handler is given; the same as before by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub payload: Option<serde_json::Value>,
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
    /// How a running task is stopped: `cooperative` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<CancelMode>,
    /// How long its handler may take to stop before it is ended by force, in milliseconds: ten
    /// seconds by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 3_600_000)]
    pub grace_ms: Option<u64>,
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
    /// How long it may wait for a worker, in milliseconds.
    pub queue_timeout_ms: Option<u64>,
    /// How long all of it may take, in milliseconds.
    pub total_timeout_ms: Option<u64>,
    /// How long its handler may show no sign of life, in milliseconds.
    pub silence_timeout_ms: Option<u64>,
    /// How long to wait between attempts.
    pub retry: Option<Backoff>,
    /// When it may start at the earliest: its `not_before`, or the time of its next attempt.
    pub due_at: Option<Timestamp>,
    /// The tasks that must come first.
    pub after: Vec<Dependency>,
    /// Whether it is held back for them.
    pub held: bool,
    /// The task that it runs again.
    pub again_of: Option<TaskId>,
    /// What it was created together with.
    pub batch: Option<uuid::Uuid>,
    /// Of its kind, at most one task with this key is open at a time.
    pub unique_key: Option<String>,
    /// Results that came too late to count.
    pub late_results: Vec<LateResult>,
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
        let defaults = Self::new(wanted.kind, wanted.payload);
        Self {
            priority: wanted.priority,
            max_attempts: wanted.max_attempts.unwrap_or(defaults.max_attempts),
            timeout_ms: wanted.timeout_ms.unwrap_or(defaults.timeout_ms),
            queue_timeout_ms: wanted.queue_timeout_ms,
            total_timeout_ms: wanted.total_timeout_ms,
            silence_timeout_ms: wanted.silence_timeout_ms,
            retry: wanted.retry,
            ..defaults
        }
    }
}
