//! What somebody outside says of the attempt that it makes.
//!
//! Invariant: each word is held against the log before anything is done about it: whoever was
//! fenced out hears so and changes nothing.

use domain::{
    CommandId, TenantId,
    task::{Attempt, AttemptResult, GRACE_MS, Task, TaskCommand, TaskError, TaskRejection},
};
use schemas::{TaskLogBatch, TaskLogEntry, api::TaskProgress};

use super::{External, Lease};
use crate::{Ask, CommandError, Failure, Receipt};

/// What is answered to who says that it is still at it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Beat {
    /// Why it should stop; none if it should go on.
    pub stop: Option<StopReason>,
}

/// Why somebody outside should stop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StopReason {
    /// The task was cancelled.
    Cancelled,
    /// The attempt is over, or another's.
    Lost,
    /// It takes longer than it may.
    TimedOut,
}

type Said = Result<Receipt<Task>, CommandError<TaskRejection>>;

impl External {
    /// The lease that `token` proves.
    pub fn lease_of(&self, tenant: TenantId, token: &str) -> Option<Lease> {
        Lease::read(&self.identity, tenant, token)
    }

    /// Hears that the attempt is still being made; says whether it should be.
    pub async fn beat(&self, lease: &Lease) -> Result<Beat, Failure> {
        let Some((task, attempt)) = self.running(lease).await? else {
            self.release(lease).await;
            let stop = Some(StopReason::Lost);
            return Ok(Beat { stop });
        };
        let now = self.commands.clock().now();
        let over = now.since_ms(attempt.started_at) - task.spec.timeout_ms as i64;
        let mut grace_ms = GRACE_MS;
        let stop = if let Some(request) = &task.cancel_requested {
            grace_ms = request.grace_ms();
            Some((StopReason::Cancelled, now.since_ms(task.updated_at)))
        } else if over >= 0 {
            Some((StopReason::TimedOut, over))
        } else {
            None
        };
        match stop {
            Some((reason, since_ms)) if since_ms > grace_ms as i64 => {
                let command = end_by_force(reason, lease);
                match self
                    .commands
                    .execute::<Task>(self.ask(lease), command)
                    .await
                {
                    Ok(_) | Err(CommandError::Rejected(_)) => self.release(lease).await,
                    Err(CommandError::Failed(reason)) => return Err(reason),
                    // It is tried again with the next beat.
                    Err(_) => {}
                }
            }
            _ => self.hold(lease).await?,
        }
        let stop = stop.map(|(reason, _)| reason);
        Ok(Beat { stop })
    }

    /// The attempt has done the work.
    pub async fn complete(&self, ask: Ask, lease: &Lease, output: serde_json::Value) -> Said {
        let command = TaskCommand::Succeed {
            attempt: lease.attempt,
            output,
            worker: lease.worker.clone(),
        };
        self.end(ask, lease, command).await
    }

    /// The attempt went wrong.
    pub async fn fail(&self, ask: Ask, lease: &Lease, error: TaskError) -> Said {
        let command = TaskCommand::Fail {
            attempt: lease.attempt,
            error,
            id: lease.task,
            worker: lease.worker.clone(),
        };
        self.end(ask, lease, command).await
    }

    /// Keeps what the attempt says; false if it is over, or another's.
    pub async fn say(
        &self,
        lease: &Lease,
        lines: Vec<TaskLogEntry>,
        progress: Option<TaskProgress>,
    ) -> Result<bool, Failure> {
        if self.running(lease).await?.is_none() {
            return Ok(false);
        }
        let progress = match progress {
            None => self.progress_of(lease).await?,
            said => said,
        };
        let batch = TaskLogBatch {
            attempt: lease.attempt,
            lines,
            progress,
        };
        let batch = serde_json::to_vec(&batch).expect("lines always encode");
        self.logs.append(lease.tenant, lease.task, batch).await?;
        Ok(true)
    }

    /// A command that ends the attempt, in nobody's name but its worker's.
    pub fn ask(&self, lease: &Lease) -> Ask {
        let id = CommandId::new(self.commands.ids().next());
        Ask::new(super::actor(), lease.tenant, lease.task.uuid(), id)
    }

    /// What was said before of how far the attempt is, which later lines bear as well.
    async fn progress_of(&self, lease: &Lease) -> Result<Option<TaskProgress>, Failure> {
        let last = self.logs.last(lease.tenant, lease.task).await?;
        let last = last.and_then(|last| serde_json::from_slice(&last.payload).ok());
        Ok(last.and_then(|last: TaskLogBatch| last.progress))
    }

    async fn end(&self, ask: Ask, lease: &Lease, command: TaskCommand) -> Said {
        let said = self.commands.execute::<Task>(ask, command.clone()).await;
        match &said {
            Ok(_) => self.release(lease).await,
            Err(CommandError::Rejected(TaskRejection::NotYourAttempt(_))) => {
                self.testify(lease, command).await;
            }
            Err(_) => {}
        }
        said
    }

    /// Has the log keep a result that does not count.
    async fn testify(&self, lease: &Lease, refused: TaskCommand) {
        let result = match refused {
            TaskCommand::Fail { error, .. } => AttemptResult::Failed(error),
            TaskCommand::Succeed { output, .. } => AttemptResult::Succeeded(Some(output)),
            _ => return,
        };
        let refuse = TaskCommand::RefuseResult {
            attempt: lease.attempt,
            result,
            worker: lease.worker.clone(),
        };
        let kept = self.commands.execute::<Task>(self.ask(lease), refuse).await;
        if let Err(reason) = kept {
            tracing::info!(task = %lease.task, %reason, "a late result is not kept");
        }
    }

    /// The task and its attempt, if that still is this lease's.
    async fn running(&self, lease: &Lease) -> Result<Option<(Task, Attempt)>, Failure> {
        let state = self.commands.state::<Task>(lease.tenant, lease.task.uuid());
        let Some(task) = state.await?.map(|current| current.state) else {
            return Ok(None);
        };
        let attempt = task.running().cloned();
        let mine =
            |attempt: &Attempt| attempt.number == lease.attempt && attempt.worker == lease.worker;
        Ok(attempt.filter(mine).map(|attempt| (task, attempt)))
    }

    /// Nobody speaks for the attempt any more.
    async fn release(&self, lease: &Lease) {
        let key = event_log::leased(lease.tenant, lease.task);
        if let Err(reason) = self.leased.remove(&key).await {
            // It ends by itself.
            tracing::debug!(%reason, "it was not heard that an attempt is over");
        }
    }
}

/// How an attempt ends that was to stop and did not.
fn end_by_force(reason: StopReason, lease: &Lease) -> TaskCommand {
    let (attempt, worker) = (lease.attempt, lease.worker.clone());
    if reason == StopReason::Cancelled {
        return TaskCommand::ConfirmCancel {
            attempt,
            forced: true,
            worker,
        };
    }
    TaskCommand::Fail {
        attempt,
        error: TaskError {
            code: "timeout".to_owned(),
            message: "the attempt took longer than its timeout and did not stop".to_owned(),
            retryable: true,
            retry_after_ms: None,
        },
        id: lease.task,
        worker,
    }
}
