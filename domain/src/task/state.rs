//! A task as its events left it.
//!
//! Invariant: `attempt` is present exactly while the task runs or has ended an attempt, and its
//! number never falls except when the attempt is handed back or somebody requeues the task.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    CancelMode, Dependency, JobSlot, LateResult, SkipReason, TaskCancelRequested, TaskCancelled,
    TaskError, TaskEvent, TaskSpec, TaskTimedOut,
};
use crate::{TaskId, Timestamp};

/// Where in its life a task is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Stopped on request.
    Cancelled,
    /// Its attempts are used up.
    Dead,
    /// Met an error that no other attempt would mend.
    Failed,
    /// Waits for a worker.
    Queued,
    /// Waits for its next attempt.
    Retrying,
    /// A worker is at it.
    Running,
    /// Waits for its time.
    Scheduled,
    /// A slot that was decided not to run.
    Skipped,
    /// Done.
    Succeeded,
}

/// One try.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Which one, from 1.
    pub number: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// Who runs it.
    pub worker: String,
}

/// A task as its events left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The tasks that must come first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Dependency>,
    /// The task that it runs again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_of: Option<TaskId>,
    /// The latest attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    /// What it was created together with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<uuid::Uuid>,
    /// Whether somebody asked a running task to stop, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_requested: Option<TaskCancelRequested>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it may start at the earliest: its `not_before`, or the time of its next attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskError>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Whether it is held back until other tasks are what they have to be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// Results that came too late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<LateResult>,
    /// While it is held back: when it may start at the earliest all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The job it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<JobSlot>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<serde_json::Value>,
    /// While an attempt runs, the one before it, which is the latest again once it is handed back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Attempt>,
    /// It takes the place of those that it comes after, which are to stop so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<CancelMode>,
    /// When somebody last put it back into the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requeued_at: Option<Timestamp>,
    /// Why its slot was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkipReason>,
    /// What is to be done.
    pub spec: TaskSpec,
    /// Where in its life it is.
    pub status: TaskStatus,
    /// Of its kind, at most one task with this key is open at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_key: Option<String>,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
}

impl TaskStatus {
    /// Every status, in the order of a life.
    pub const ALL: [Self; 9] = [
        Self::Scheduled,
        Self::Queued,
        Self::Running,
        Self::Retrying,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Dead,
        Self::Skipped,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
            Self::Failed => "failed",
            Self::Queued => "queued",
            Self::Retrying => "retrying",
            Self::Running => "running",
            Self::Scheduled => "scheduled",
            Self::Skipped => "skipped",
            Self::Succeeded => "succeeded",
        }
    }

    /// Whether nothing more happens by itself.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Cancelled | Self::Dead | Self::Failed | Self::Skipped | Self::Succeeded => true,
            Self::Queued | Self::Retrying | Self::Running | Self::Scheduled => false,
        }
    }
}

impl Task {
    /// The attempt that is running, if one is.
    pub fn running(&self) -> Option<&Attempt> {
        self.attempt
            .as_ref()
            .filter(|_| self.status == TaskStatus::Running)
    }

    /// How many attempts were begun and counted.
    pub fn attempts(&self) -> u32 {
        self.attempt.as_ref().map_or(0, |attempt| attempt.number)
    }

    /// The state that `event` alone brings about from nothing, if it can begin a life.
    pub(super) fn born(event: &TaskEvent, at: Timestamp) -> Option<Self> {
        let blank = |spec: TaskSpec, status: TaskStatus| Self {
            after: Vec::new(),
            again_of: None,
            attempt: None,
            batch: None,
            cancel_requested: None,
            created_at: at,
            due_at: None,
            error: None,
            finished_at: None,
            held: false,
            late: Vec::new(),
            not_before: None,
            origin: None,
            output: None,
            previous: None,
            replaces: None,
            requeued_at: None,
            skipped: None,
            spec,
            status,
            unique_key: None,
            updated_at: at,
        };
        match event {
            TaskEvent::Created(created) => {
                let held = !created.after.is_empty();
                let task = Self {
                    after: created.after.clone(),
                    again_of: created.again_of,
                    batch: created.batch,
                    held,
                    not_before: created.not_before,
                    origin: created.origin,
                    replaces: created.replaces,
                    unique_key: created.unique_key.clone(),
                    ..blank(created.spec.clone(), TaskStatus::Scheduled)
                };
                Some(if held { task } else { task.set_free(at) })
            }
            TaskEvent::SlotSkipped(skipped) => Some(Self {
                finished_at: Some(at),
                origin: Some(skipped.origin),
                skipped: Some(skipped.reason),
                ..blank(TaskSpec::none(), TaskStatus::Skipped)
            }),
            _ => None,
        }
    }

    /// The state after `event`; events that cannot follow leave it as it is.
    pub(super) fn grown(self, event: &TaskEvent, at: Timestamp) -> Self {
        if let TaskEvent::ResultRefused(refused) = event {
            return self.with_late(refused, at);
        }
        let before = self.clone();
        let task = Self {
            updated_at: at,
            ..self
        };
        match (task.status, event) {
            (TaskStatus::Running, event) => task.grown_running(event, at).unwrap_or(before),
            (TaskStatus::Scheduled, TaskEvent::Released(_)) if task.held => task.set_free(at),
            (
                TaskStatus::Queued | TaskStatus::Retrying | TaskStatus::Scheduled,
                TaskEvent::Started(started),
            ) if !task.held => Self {
                attempt: Some(Attempt {
                    ended_at: None,
                    number: started.attempt,
                    started_at: at,
                    worker: started.worker.clone(),
                }),
                due_at: None,
                previous: task.attempt,
                status: TaskStatus::Running,
                ..task
            },
            (
                TaskStatus::Queued | TaskStatus::Retrying | TaskStatus::Scheduled,
                TaskEvent::Cancelled(cancelled),
            ) => task.cancelled(cancelled, at),
            (
                TaskStatus::Queued | TaskStatus::Retrying | TaskStatus::Scheduled,
                TaskEvent::TimedOut(timed_out),
            ) => task.timed_out(*timed_out, at),
            (
                TaskStatus::Cancelled | TaskStatus::Dead | TaskStatus::Failed,
                TaskEvent::Requeued(_),
            ) => Self {
                attempt: None,
                cancel_requested: None,
                due_at: None,
                error: None,
                finished_at: None,
                requeued_at: Some(at),
                status: TaskStatus::Queued,
                ..task
            },
            _ => before,
        }
    }

    fn grown_running(self, event: &TaskEvent, at: Timestamp) -> Option<Self> {
        let ended = |task: Self| Self {
            attempt: task.attempt.map(|a| Attempt {
                ended_at: Some(at),
                ..a
            }),
            previous: None,
            ..task
        };
        Some(match event {
            TaskEvent::AttemptFailed(failed) => Self {
                error: Some(failed.error.clone()),
                ..ended(self)
            },
            TaskEvent::CancelRequested(request) => Self {
                cancel_requested: Some(request.clone()),
                ..self
            },
            TaskEvent::Cancelled(cancelled) => ended(self).cancelled(cancelled, at),
            TaskEvent::Died(_) => Self {
                finished_at: Some(at),
                status: TaskStatus::Dead,
                ..self
            },
            TaskEvent::Failed(_) => Self {
                finished_at: Some(at),
                status: TaskStatus::Failed,
                ..self
            },
            TaskEvent::HandedBack(_) => Self {
                attempt: self.previous,
                previous: None,
                status: TaskStatus::Queued,
                ..self
            },
            TaskEvent::RetryScheduled(retry) => Self {
                due_at: Some(retry.at),
                status: TaskStatus::Retrying,
                ..self
            },
            TaskEvent::Succeeded(succeeded) => Self {
                error: None,
                finished_at: Some(at),
                output: Some(succeeded.output.clone()),
                status: TaskStatus::Succeeded,
                ..ended(self)
            },
            TaskEvent::TimedOut(timed_out) => ended(self).timed_out(*timed_out, at),
            TaskEvent::Created(_)
            | TaskEvent::Released(_)
            | TaskEvent::Requeued(_)
            | TaskEvent::ResultRefused(_)
            | TaskEvent::SlotSkipped(_)
            | TaskEvent::Started(_) => return None,
        })
    }

    fn cancelled(self, cancelled: &TaskCancelled, at: Timestamp) -> Self {
        Self {
            cancel_requested: Some(TaskCancelRequested::because(cancelled.reason.clone())),
            due_at: None,
            finished_at: Some(at),
            held: false,
            not_before: None,
            status: TaskStatus::Cancelled,
            ..self
        }
    }

    fn timed_out(self, timed_out: TaskTimedOut, at: Timestamp) -> Self {
        Self {
            due_at: None,
            error: Some(timed_out.limit.error()),
            finished_at: Some(at),
            held: false,
            not_before: None,
            status: TaskStatus::Failed,
            ..self
        }
    }

    /// Nothing but its time holds it back any more.
    fn set_free(self, at: Timestamp) -> Self {
        let due_at = self.not_before.filter(|not_before| *not_before > at);
        let status = if due_at.is_some() {
            TaskStatus::Scheduled
        } else {
            TaskStatus::Queued
        };
        Self {
            due_at,
            held: false,
            not_before: None,
            status,
            ..self
        }
    }
}

impl TaskSpec {
    /// What a skipped slot was to do: nothing.
    fn none() -> Self {
        Self {
            max_attempts: 1,
            timeout_ms: 1,
            ..Self::new("none", serde_json::Value::Null)
        }
    }
}
