//! What can be asked of a task, and what comes of it.
//!
//! Invariant: whoever is not the worker of the running attempt cannot end it; the log refuses their
//! commit, and this file refuses the thought.

use super::{
    AttemptResult, JobSlot, Limit, SkipReason, TIMEOUT_MAX_MS, Task, TaskAttemptFailed,
    TaskCancelRequested, TaskCreated, TaskDied, TaskError, TaskEvent, TaskFailed, TaskHandedBack,
    TaskReleased, TaskRequeued, TaskRetryScheduled, TaskSlotSkipped, TaskStarted, TaskStatus,
    TaskSucceeded, dependency,
};
use crate::{Aggregate, AggregateKind, Context, Decision, TaskId, Timestamp};

/// The longest uniqueness key, in characters.
const UNIQUE_KEY_MAX: usize = 200;

/// What can be asked of a task.
#[derive(Clone, Debug)]
pub enum TaskCommand {
    /// Stop it: at once if it waits, else as soon as its worker can.
    Cancel(TaskCancelRequested),
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
    /// Keep a result that was refused, as evidence.
    RefuseResult {
        /// The attempt that it is of.
        attempt: u32,
        /// What came of it.
        result: AttemptResult,
        /// The worker that had it.
        worker: String,
    },
    /// Hold it back no longer: the tasks before it are what they had to be.
    Release,
    /// Put it back into the queue after its end.
    Requeue,
    /// The same of a task with a uniqueness key, which is claimed in the same batch.
    RequeueUnique,
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
    /// Be ended for having exceeded a limit.
    TimeOut(Limit),
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
    /// Other tasks come first.
    #[error("the task waits for others")]
    Held,
    /// What is to be done is out of bounds.
    #[error("{0}")]
    Invalid(&'static str),
    /// It has not ended, so there is nothing to try again.
    #[error("the task is {0}; only a failed, dead or cancelled task can be retried")]
    NotEnded(&'static str),
    /// Its uniqueness key must be claimed with it.
    #[error("the task has a uniqueness key, which must be claimed anew")]
    KeyNeeded,
    /// There is none with this id.
    #[error("there is no such task")]
    NotFound,
    /// Its time has not come.
    #[error("the task is not due before {0}")]
    NotDue(Timestamp),
    /// The result counts, or still may.
    #[error("the result of attempt {0} is not late")]
    NotLate(u32),
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
            return begin(command, context);
        };
        match command.clone() {
            TaskCommand::Cancel(request) => task.cancel(request),
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
            TaskCommand::RefuseResult {
                attempt,
                result,
                worker,
            } => task.refuse_result(attempt, result, worker),
            TaskCommand::Release => task.release(),
            TaskCommand::Requeue if task.unique_key.is_some() => Err(TaskRejection::KeyNeeded),
            TaskCommand::Requeue | TaskCommand::RequeueUnique => task.requeue(),
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
            TaskCommand::TimeOut(limit) => task.time_out(limit, context.now),
        }
    }
}

/// Decides for a task that does not exist yet.
fn begin(command: &TaskCommand, context: &Context) -> Decision<Task> {
    match command.clone() {
        TaskCommand::Create(created) => {
            created.check(TaskId::new(context.id))?;
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

impl TaskCreated {
    /// Refuses what cannot be a task.
    fn check(&self, id: TaskId) -> Result<(), TaskRejection> {
        self.spec.check()?;
        dependency::check(id, &self.after)?;
        let fits = |key: &String| (1..=UNIQUE_KEY_MAX).contains(&key.chars().count());
        if !self.unique_key.as_ref().is_none_or(fits) {
            return Err(TaskRejection::Invalid("unique_key has 1 to 200 characters"));
        }
        Ok(())
    }
}

impl Task {
    fn create_again(&self, created: &TaskCreated) -> Decision<Self> {
        let same = self.spec == created.spec
            && (self.origin, self.again_of, self.batch)
                == (created.origin, created.again_of, created.batch)
            && self.after == created.after
            && self.unique_key == created.unique_key;
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
                .unwrap_or_else(|| self.spec.retry.unwrap_or_default().delay_ms(id, attempt));
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

    fn release(&self) -> Decision<Self> {
        if self.status.is_final() {
            return Err(TaskRejection::Ended(self.status.name()));
        }
        Ok(if self.held {
            vec![TaskEvent::Released(TaskReleased {})]
        } else {
            vec![]
        })
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
        if self.held {
            return Err(TaskRejection::Held);
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

    pub(super) fn check_runs(&self, attempt: u32, worker: &str) -> Result<(), TaskRejection> {
        match self.running() {
            Some(running) if running.number == attempt && running.worker == worker => Ok(()),
            _ => Err(TaskRejection::NotYourAttempt(attempt)),
        }
    }
}
