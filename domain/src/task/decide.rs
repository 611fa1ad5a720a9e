//! What can be asked of a task, and what comes of it.
//!
//! Invariant: whoever is not the worker of the running attempt cannot end it; the log refuses their
//! commit, and this file refuses the thought.

use super::{
    JobSlot, MAX_ATTEMPTS, SkipReason, TIMEOUT_MAX_MS, Task, TaskAttemptFailed,
    TaskCancelRequested, TaskCancelled, TaskCreated, TaskDied, TaskError, TaskEvent, TaskFailed,
    TaskHandedBack, TaskRequeued, TaskRetryScheduled, TaskSlotSkipped, TaskSpec, TaskStarted,
    TaskStatus, TaskSucceeded, retry_delay_ms,
};
use crate::{Aggregate, AggregateKind, Context, Decision, TaskId, Timestamp};

/// What can be asked of a task.
#[derive(Clone, Debug)]
pub enum TaskCommand {
    /// Stop it: at once if it waits, else as soon as its worker can.
    Cancel {
        /// Why, for whoever asks later.
        reason: Option<String>,
    },
    /// Its worker has stopped it.
    ConfirmCancel {
        /// The attempt that was stopped.
        attempt: u32,
        /// Whether by force.
        forced: bool,
        /// The worker that ran it.
        worker: String,
    },
    /// Bring it to life.
    Create(TaskCreated),
    /// An attempt went wrong.
    Fail {
        /// Which one.
        attempt: u32,
        /// What went wrong.
        error: TaskError,
        /// The task's own id, which spreads retries.
        id: TaskId,
        /// The worker that ran it.
        worker: String,
    },
    /// A worker must go before the attempt ended.
    HandBack {
        /// Which one.
        attempt: u32,
        /// The worker that had it.
        worker: String,
    },
    /// Put it back into the queue after its end.
    Requeue,
    /// Decide that a job's slot does not run.
    SkipSlot {
        /// The job and its slot.
        origin: JobSlot,
        /// Why not.
        reason: SkipReason,
    },
    /// Claim the next attempt.
    Start {
        /// Which one; it must be the next.
        attempt: u32,
        /// Who will run it.
        worker: String,
    },
    /// An attempt has done the work.
    Succeed {
        /// Which one.
        attempt: u32,
        /// What came of it.
        output: serde_json::Value,
        /// The worker that ran it.
        worker: String,
    },
}

/// Why a task may say no.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TaskRejection {
    /// There is one with this id, and it is not the same.
    #[error("the task exists already")]
    AlreadyExists,
    /// It has ended, so it can be neither stopped nor started.
    #[error("the task has ended as {0}")]
    Ended(&'static str),
    /// What is to be done is out of bounds.
    #[error("{0}")]
    Invalid(&'static str),
    /// It has not ended, so there is nothing to try again.
    #[error("the task is {0}; only a failed, dead or cancelled task can be retried")]
    NotEnded(&'static str),
    /// There is none with this id.
    #[error("there is no such task")]
    NotFound,
    /// Its time has not come.
    #[error("the task is not due before {0}")]
    NotDue(Timestamp),
    /// The attempt is another worker's, or over.
    #[error("attempt {0} is not run by this worker")]
    NotYourAttempt(u32),
}

impl Aggregate for Task {
    const KIND: AggregateKind = AggregateKind::Task;
    type Event = TaskEvent;
    type Command = TaskCommand;
    type Rejection = TaskRejection;

    fn evolve(state: Option<Self>, event: &TaskEvent, at: Timestamp) -> Option<Self> {
        match state {
            None => Self::born(event, at),
            Some(task) => Some(task.grown(event, at)),
        }
    }

    fn decide(state: Option<&Self>, command: &TaskCommand, context: &Context) -> Decision<Self> {
        let Some(task) = state else {
            return begin(command);
        };
        match command.clone() {
            TaskCommand::Cancel { reason } => task.cancel(reason),
            TaskCommand::ConfirmCancel {
                attempt,
                forced,
                worker,
            } => task.confirm_cancel(attempt, forced, &worker),
            TaskCommand::Create(created) => task.create_again(&created),
            TaskCommand::Fail {
                attempt,
                error,
                id,
                worker,
            } => task.fail(attempt, error, id, worker, context.now),
            TaskCommand::HandBack { attempt, worker } => task.hand_back(attempt, worker),
            TaskCommand::Requeue => task.requeue(),
            TaskCommand::SkipSlot { .. } => match task.skipped {
                Some(_) => Ok(vec![]),
                None => Err(TaskRejection::AlreadyExists),
            },
            TaskCommand::Start { attempt, worker } => task.start(attempt, worker, context.now),
            TaskCommand::Succeed {
                attempt,
                output,
                worker,
            } => task.succeed(attempt, output, worker),
        }
    }
}

/// Decides for a task that does not exist yet.
fn begin(command: &TaskCommand) -> Decision<Task> {
    match command.clone() {
        TaskCommand::Create(created) => {
            created.spec.check()?;
            Ok(vec![TaskEvent::Created(created)])
        }
        TaskCommand::SkipSlot { origin, reason } => {
            Ok(vec![TaskEvent::SlotSkipped(TaskSlotSkipped {
                origin,
                reason,
            })])
        }
        _ => Err(TaskRejection::NotFound),
    }
}

impl TaskSpec {
    /// Refuses what no worker could follow.
    pub(crate) fn check(&self) -> Result<(), TaskRejection> {
        let kind_fits = (1..=100).contains(&self.kind.len())
            && self
                .kind
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if !kind_fits {
            return Err(TaskRejection::Invalid(
                "kind has 1 to 100 characters from a-z, A-Z, 0-9, '-', '_' and '.'",
            ));
        }
        if !(1..=MAX_ATTEMPTS).contains(&self.max_attempts) {
            return Err(TaskRejection::Invalid(
                "max_attempts lies between 1 and 100",
            ));
        }
        if !(1..=TIMEOUT_MAX_MS).contains(&self.timeout_ms) {
            return Err(TaskRejection::Invalid(
                "timeout_ms lies between 1 and 86400000",
            ));
        }
        Ok(())
    }
}

impl Task {
    fn cancel(&self, reason: Option<String>) -> Decision<Self> {
        match self.status {
            TaskStatus::Cancelled => Ok(vec![]),
            TaskStatus::Running if self.cancel_requested.is_some() => Ok(vec![]),
            TaskStatus::Running => Ok(vec![TaskEvent::CancelRequested(TaskCancelRequested {
                reason,
            })]),
            TaskStatus::Queued | TaskStatus::Retrying | TaskStatus::Scheduled => {
                Ok(vec![TaskEvent::Cancelled(TaskCancelled {
                    forced: false,
                    reason,
                })])
            }
            TaskStatus::Dead | TaskStatus::Failed | TaskStatus::Skipped | TaskStatus::Succeeded => {
                Err(TaskRejection::Ended(self.status.name()))
            }
        }
    }

    fn confirm_cancel(&self, attempt: u32, forced: bool, worker: &str) -> Decision<Self> {
        if self.status == TaskStatus::Cancelled {
            return Ok(vec![]);
        }
        self.check_runs(attempt, worker)?;
        let reason = self
            .cancel_requested
            .as_ref()
            .and_then(|request| request.reason.clone());
        Ok(vec![TaskEvent::Cancelled(TaskCancelled { forced, reason })])
    }

    fn create_again(&self, created: &TaskCreated) -> Decision<Self> {
        let same = self.spec == created.spec && self.origin == created.origin;
        if same {
            Ok(vec![])
        } else {
            Err(TaskRejection::AlreadyExists)
        }
    }

    /// A failed attempt ends in one commit with what follows from it.
    fn fail(
        &self,
        attempt: u32,
        error: TaskError,
        id: TaskId,
        worker: String,
        now: Timestamp,
    ) -> Decision<Self> {
        self.check_runs(attempt, &worker)?;
        let follows = if let Some(cancelled) = self.requested_cancel() {
            cancelled
        } else if !error.retryable {
            TaskEvent::Failed(TaskFailed { attempt })
        } else if attempt >= self.spec.max_attempts {
            TaskEvent::Died(TaskDied { attempts: attempt })
        } else {
            let delay_ms = error
                .retry_after_ms
                .unwrap_or_else(|| retry_delay_ms(id, attempt));
            let at = now.plus_ms(delay_ms.min(TIMEOUT_MAX_MS) as i64);
            TaskEvent::RetryScheduled(TaskRetryScheduled { at })
        };
        let failed = TaskAttemptFailed {
            attempt,
            error,
            worker,
        };
        Ok(vec![TaskEvent::AttemptFailed(failed), follows])
    }

    fn hand_back(&self, attempt: u32, worker: String) -> Decision<Self> {
        self.check_runs(attempt, &worker)?;
        let handed_back = TaskEvent::HandedBack(TaskHandedBack { attempt, worker });
        // What was to be cancelled must not be queued again.
        Ok([Some(handed_back), self.requested_cancel()]
            .into_iter()
            .flatten()
            .collect())
    }

    /// The end of an attempt that somebody wanted cancelled.
    fn requested_cancel(&self) -> Option<TaskEvent> {
        let request = self.cancel_requested.as_ref()?;
        Some(TaskEvent::Cancelled(TaskCancelled {
            forced: false,
            reason: request.reason.clone(),
        }))
    }

    fn requeue(&self) -> Decision<Self> {
        match self.status {
            TaskStatus::Cancelled | TaskStatus::Dead | TaskStatus::Failed => {
                Ok(vec![TaskEvent::Requeued(TaskRequeued {})])
            }
            status => Err(TaskRejection::NotEnded(status.name())),
        }
    }

    fn start(&self, attempt: u32, worker: String, now: Timestamp) -> Decision<Self> {
        if self.status.is_final() {
            return Err(TaskRejection::Ended(self.status.name()));
        }
        if let Some(running) = self.running() {
            let mine = running.number == attempt && running.worker == worker;
            return if mine {
                Ok(vec![])
            } else {
                Err(TaskRejection::NotYourAttempt(attempt))
            };
        }
        if attempt != self.attempts() + 1 {
            return Err(TaskRejection::NotYourAttempt(attempt));
        }
        match self.due_at {
            Some(due_at) if due_at > now => Err(TaskRejection::NotDue(due_at)),
            _ => Ok(vec![TaskEvent::Started(TaskStarted { attempt, worker })]),
        }
    }

    fn succeed(&self, attempt: u32, output: serde_json::Value, worker: String) -> Decision<Self> {
        let done_by_me = self.status == TaskStatus::Succeeded
            && self
                .attempt
                .as_ref()
                .is_some_and(|a| a.number == attempt && a.worker == worker);
        if done_by_me {
            return Ok(vec![]);
        }
        self.check_runs(attempt, &worker)?;
        Ok(vec![TaskEvent::Succeeded(TaskSucceeded {
            attempt,
            output,
            worker,
        })])
    }

    fn check_runs(&self, attempt: u32, worker: &str) -> Result<(), TaskRejection> {
        match self.running() {
            Some(running) if running.number == attempt && running.worker == worker => Ok(()),
            _ => Err(TaskRejection::NotYourAttempt(attempt)),
        }
    }
}
