//! Commits how an attempt ended.
//!
//! Invariant: tried until the log has answered, or this worker must go; one command id for all
//! tries, so it is committed once. A worker that was fenced out hears so here and changes nothing.

use std::time::Duration;

use commands::{Ask, CommandError, Failure};
use domain::{
    CommandId,
    task::{AttemptResult, Task, TaskCommand},
};
use event_log::WorkItem;

use super::Shared;
use crate::{backoff::backoff, handlers::error};

/// How long the last tries may take once this worker must go.
const LAST_TRIES: Duration = Duration::from_secs(3);

/// What the log said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ended {
    /// It is committed.
    Committed,
    /// The attempt was not this worker's any more.
    Refused,
    /// It did not answer before this worker had to go.
    Unheard,
}

impl Shared {
    /// Commits `command`, which ends the attempt of `item`.
    pub(super) async fn conclude(&self, item: &WorkItem, command: TaskCommand) -> Ended {
        let too_late = async {
            self.draining.cancelled().await;
            tokio::time::sleep(LAST_TRIES).await;
        };
        tokio::select! {
            ended = self.insist(item, command) => ended,
            () = too_late => Ended::Unheard,
        }
    }

    /// Has the log keep a result that does not count; without its output if that is too large.
    pub(super) async fn testify(&self, item: &WorkItem, result: AttemptResult) {
        let is_output = matches!(result, AttemptResult::Succeeded(Some(_)));
        let refuse = |result| TaskCommand::RefuseResult {
            attempt: item.attempt,
            result,
            worker: self.name.clone(),
        };
        let kept = self.conclude(item, refuse(result)).await;
        if kept == Ended::Refused && is_output {
            let bare = refuse(AttemptResult::Succeeded(None));
            self.conclude(item, bare).await;
        }
    }

    async fn insist(&self, item: &WorkItem, mut command: TaskCommand) -> Ended {
        let mut ask = self.ask(item);
        let mut failures = 0;
        loop {
            let executed = self
                .commands
                .execute::<Task>(ask.clone(), command.clone())
                .await;
            match executed {
                Ok(_) => return Ended::Committed,
                Err(CommandError::Rejected(reason)) => {
                    tracing::info!(task = %item.task, tenant = %item.tenant, %reason,
                        "an end that came too late was refused");
                    return Ended::Refused;
                }
                Err(CommandError::Failed(
                    reason @ (Failure::Refused(_) | Failure::TooLarge { .. }),
                )) => {
                    let Some(plain) = self.plain_failure(item, &command, &reason) else {
                        return Ended::Refused;
                    };
                    (ask, command) = (self.ask(item), plain);
                }
                Err(CommandError::Failed(Failure::Corrupt(reason))) => {
                    tracing::error!(task = %item.task, tenant = %item.tenant, reason,
                        "a task cannot be read: its attempt has no end");
                    return Ended::Refused;
                }
                Err(reason) => {
                    failures += 1;
                    if failures == 1 {
                        tracing::warn!(task = %item.task, %reason, "an end is not committed yet");
                    }
                    tokio::time::sleep(backoff(failures)).await;
                }
            }
        }
    }

    /// What the log cannot take (an output beyond its limits) ends as a failure that it can.
    fn plain_failure(
        &self,
        item: &WorkItem,
        refused: &TaskCommand,
        reason: &Failure,
    ) -> Option<TaskCommand> {
        tracing::error!(task = %item.task, tenant = %item.tenant, %reason, "an end was refused");
        matches!(refused, TaskCommand::Succeed { .. }).then(|| TaskCommand::Fail {
            attempt: item.attempt,
            error: error("output_refused", "the log cannot hold the output", false),
            id: item.task,
            worker: self.name.clone(),
        })
    }

    fn ask(&self, item: &WorkItem) -> Ask {
        Ask::new(
            Self::actor(),
            item.tenant,
            item.task.uuid(),
            CommandId::new(self.ids.next()),
        )
    }
}
