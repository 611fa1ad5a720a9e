//! Stops a task whose place another one takes.
//!
//! Invariant: it is asked for until the log has answered; and what has stopped or ended meanwhile
//! is left as it is, since only its end is waited for.

use commands::{Ask, CommandError, Commands, Failure};
use domain::{
    Actor, CommandId, TaskId,
    task::{CancelMode, Task, TaskCancelRequested, TaskCommand},
};

use crate::{backoff::backoff, index::TaskKey};

/// Has `key` stop in favour of the task `by`.
pub async fn stop(commands: Commands, key: TaskKey, by: TaskId, mode: CancelMode) -> TaskKey {
    let request = TaskCancelRequested {
        reason: Some(format!("its job's next slot takes its place, as task {by}")),
        mode: Some(mode),
        grace_ms: None,
    };
    let (tenant, task) = key;
    let actor = Actor::System("scheduler".to_owned());
    let command = CommandId::new(commands.ids().next());
    let ask = Ask {
        causation: Some(by.uuid()),
        ..Ask::new(actor, tenant, task.uuid(), command)
    };
    let mut failures = 0;
    loop {
        let wanted = TaskCommand::Cancel(request.clone());
        match commands.execute::<Task>(ask.clone(), wanted).await {
            // Refused: it has ended meanwhile.
            Ok(_) | Err(CommandError::Rejected(_)) => return key,
            Err(CommandError::Failed(
                reason @ (Failure::Corrupt(_) | Failure::Refused(_) | Failure::TooLarge { .. }),
            )) => {
                tracing::error!(%tenant, %task, %reason,
                    "a task cannot be stopped for the next slot of its job: its end is waited for");
                return key;
            }
            Err(reason) => {
                failures += 1;
                if failures == 1 {
                    tracing::warn!(%tenant, %task, %reason,
                        "a task is to stop for the next slot of its job: trying on");
                }
                tokio::time::sleep(backoff(failures)).await;
            }
        }
    }
}
