//! What can have happened to a task.
//!
//! Invariant: a field is added only as optional; a new meaning is a new version of the event.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CancelMode, Dependency, JobSlot, Limit, SkipReason, TaskError, TaskSpec};
use crate::{TaskId, Timestamp};

/// What can have happened to a task.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskEvent {
    /// `task.attempt_failed`
    AttemptFailed(TaskAttemptFailed),
    /// `task.cancel_requested`
    CancelRequested(TaskCancelRequested),
    /// `task.cancelled`
    Cancelled(TaskCancelled),
    /// `task.created`
    Created(TaskCreated),
    /// `task.died`
    Died(TaskDied),
    /// `task.failed`
    Failed(TaskFailed),
    /// `task.handed_back`
    HandedBack(TaskHandedBack),
    /// `task.released`
    Released(TaskReleased),
    /// `task.requeued`
    Requeued(TaskRequeued),
    /// `task.result_refused`
    ResultRefused(TaskResultRefused),
    /// `task.retry_scheduled`
    RetryScheduled(TaskRetryScheduled),
    /// `task.slot_skipped`
    SlotSkipped(TaskSlotSkipped),
    /// `task.started`
    Started(TaskStarted),
    /// `task.succeeded`
    Succeeded(TaskSucceeded),
    /// `task.timed_out`
    TimedOut(TaskTimedOut),
}

/// An attempt ended badly.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TaskAttemptFailed {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// What went wrong.
    pub error: TaskError,
    /// The worker that ran it.
    pub worker: String,
}

/// Somebody asked a running task to stop.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TaskCancelRequested {
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How; cooperatively if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<CancelMode>,
    /// How long its handler may take to stop; ten seconds if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_ms: Option<u64>,
}

/// The task was stopped: the end.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TaskCancelled {
    /// Whether its handler had to be ended by force.
    pub forced: bool,
    /// Why, in the words of whoever asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A task came to be.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TaskCreated {
    /// What is to be done.
    #[serde(flatten)]
    pub spec: TaskSpec,
    /// When it may start at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The job it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<JobSlot>,
    /// The tasks that must come first; it is held back until all of this holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Dependency>,
    /// The task that it runs again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_of: Option<TaskId>,
    /// What it was created together with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<uuid::Uuid>,
    /// It takes the place of those that it comes after, which are to stop so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<CancelMode>,
    /// Of its kind, at most one task with this key is open at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_key: Option<String>,
}

impl TaskCreated {
    /// A task that does `spec` as soon as it can.
    pub const fn new(spec: TaskSpec) -> Self {
        Self {
            spec,
            not_before: None,
            origin: None,
            after: Vec::new(),
            again_of: None,
            batch: None,
            replaces: None,
            unique_key: None,
        }
    }
}

/// All attempts were used up: the end, unless somebody requeues it.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TaskDied {
    /// How many attempts there were.
    pub attempts: u32,
}

/// An error that no other attempt would mend: the end, unless somebody requeues it.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TaskFailed {
    /// The attempt that met it.
    pub attempt: u32,
}

/// A worker that had to go gave the attempt back; it does not count.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TaskHandedBack {
    /// The attempt that was begun.
    pub attempt: u32,
    /// The worker that had it.
    pub worker: String,
}

/// The tasks that it was held back for have become what they had to.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TaskReleased {}

/// Somebody put an ended task back into the queue, with all its attempts anew.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TaskRequeued {}

/// A worker had a result of an attempt that was no longer its own; it counts for nothing.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TaskResultRefused {
    /// Which attempt.
    pub attempt: u32,
    /// What went wrong in it, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskError>,
    /// What would have come of it, unless that was too large to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<serde_json::Value>,
    /// The worker that had it.
    pub worker: String,
}

/// Another attempt will be made.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TaskRetryScheduled {
    /// When, at the earliest.
    pub at: Timestamp,
}

/// A job's slot was decided not to run: the end.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TaskSlotSkipped {
    /// The job and its slot.
    pub origin: JobSlot,
    /// Why not.
    pub reason: SkipReason,
}

/// A worker began an attempt.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TaskStarted {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The worker that runs it.
    pub worker: String,
}

/// The work is done: the end.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TaskSucceeded {
    /// The attempt that did it.
    pub attempt: u32,
    /// What came of it.
    pub output: serde_json::Value,
    /// The worker that did it.
    pub worker: String,
}

/// It has exceeded a limit: the end, unless somebody requeues it.
#[derive(Clone, Copy, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TaskTimedOut {
    /// Which one.
    pub limit: Limit,
}
