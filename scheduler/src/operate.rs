//! Carries an operation out: page after page, what is to be done to each task, and how far it is.
//!
//! Invariant: what is done to a task is one command, whose id follows from the operation and the
//! task; so a page that is done again after a crash, or by two at once, changes nothing more and
//! counts the same.

use commands::{Ask, CommandError, Commands, Failure, UniqueError};
use domain::{
    Actor, CommandId, OperationId, TaskId, TenantId,
    operation::{
        Action, Counts, Operation, OperationCommand, OperationFinished, OperationProgressed,
    },
    task::{Task, TaskCancelRequested, TaskCommand, TaskRejection},
};
use futures::{StreamExt as _, stream};
use projections::{Overview, schedule};
use uuid::Uuid;

use crate::backoff::backoff;

/// How many tasks make a page.
const PAGE: u16 = 500;
/// How many of them are changed at a time.
const IN_FLIGHT: usize = 64;

/// An operation of a tenant.
pub type OperationKey = (TenantId, OperationId);

/// What became of one task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Became {
    Changed,
    Refused,
}

/// Goes on with `key` to its end, through whatever passes by itself.
pub async fn carry_out(commands: Commands, overview: Overview, key: OperationKey) {
    let mut failures = 0;
    loop {
        match step(&commands, &overview, key).await {
            Ok(true) => failures = 0,
            Ok(false) => return,
            Err(reason) => {
                failures += 1;
                if failures == 1 {
                    tracing::warn!(tenant = %key.0, operation = %key.1, reason,
                        "an operation does not go on: trying on");
                }
                tokio::time::sleep(backoff(failures)).await;
            }
        }
    }
}

/// One page, or the end; false once it has ended. An error is worth another try.
async fn step(commands: &Commands, overview: &Overview, key: OperationKey) -> Result<bool, String> {
    let found = commands.state::<Operation>(key.0, key.1.uuid()).await;
    let operation = match found {
        Ok(Some(found)) => found.state,
        Ok(None) => return Ok(false),
        Err(reason) => return or_give_up(key, reason),
    };
    if operation.finished_at.is_some() {
        return Ok(false);
    }
    let meant = schedule::meant(overview, key.0, &operation, PAGE).await;
    let meant = meant.map_err(|reason| reason.to_string())?;
    let Some(tasks) = meant else {
        return Err("the read models have not reached its position".to_owned());
    };
    let command = match tasks.last().copied() {
        None => OperationCommand::Finish(OperationFinished {
            counts: operation.counts,
        }),
        Some(reached) => OperationCommand::Progress(OperationProgressed {
            counts: do_all(commands, key, &operation, tasks).await?,
            reached,
        }),
    };
    let ask = Ask::new(
        Actor::System("scheduler".to_owned()),
        key.0,
        key.1.uuid(),
        CommandId::new(commands.ids().next()),
    );
    match commands.execute::<Operation>(ask, command).await {
        // Refused: another has come further; what it left is read next.
        Ok(_) | Err(CommandError::Rejected(_)) => Ok(true),
        Err(CommandError::Failed(reason)) => or_give_up(key, reason),
        Err(reason) => Err(reason.to_string()),
    }
}

/// An error that passes, or the end of it.
fn or_give_up(key: OperationKey, reason: Failure) -> Result<bool, String> {
    match reason {
        Failure::Corrupt(_) | Failure::Refused(_) | Failure::TooLarge { .. } => {
            tracing::error!(tenant = %key.0, operation = %key.1, %reason,
                "an operation cannot go on: it is left alone");
            Ok(false)
        }
        passing => Err(passing.to_string()),
    }
}

/// The counts after all of `tasks`.
async fn do_all(
    commands: &Commands,
    key: OperationKey,
    operation: &Operation,
    tasks: Vec<TaskId>,
) -> Result<Counts, String> {
    let each = tasks
        .into_iter()
        .map(|task| act(commands, key, operation.action, task));
    let mut counts = operation.counts;
    let mut done = stream::iter(each).buffer_unordered(IN_FLIGHT);
    while let Some(became) = done.next().await {
        match became? {
            Became::Changed => counts.changed += 1,
            Became::Refused => counts.refused += 1,
        }
    }
    Ok(counts)
}

async fn act(
    commands: &Commands,
    key: OperationKey,
    action: Action,
    task: TaskId,
) -> Result<Became, String> {
    let command_id = Uuid::new_v5(&key.1.uuid(), task.uuid().as_bytes());
    let ask = Ask {
        causation: Some(key.1.uuid()),
        ..Ask::new(
            Actor::System("scheduler".to_owned()),
            key.0,
            task.uuid(),
            CommandId::new(command_id),
        )
    };
    let done = match action {
        Action::Cancel => {
            let reason = format!("operation {} stops all of its kind", key.1);
            let command = TaskCommand::Cancel(TaskCancelRequested::because(Some(reason)));
            let done = commands.execute::<Task>(ask, command).await;
            done.map_err(UniqueError::from)
        }
        Action::Replay => commands.requeue_task(ask).await,
    };
    match done {
        Ok(receipt) if receipt.changed || receipt.replayed => Ok(Became::Changed),
        Ok(_) => Ok(Became::Refused),
        Err(reason) => refused(key, task, reason),
    }
}

/// What an error says of the task; an error again if it passes.
fn refused(key: OperationKey, task: TaskId, reason: UniqueError) -> Result<Became, String> {
    match reason {
        UniqueError::KeyTaken(_)
        | UniqueError::Command(CommandError::Rejected::<TaskRejection>(_)) => Ok(Became::Refused),
        UniqueError::Command(CommandError::Failed(
            reason @ (Failure::Corrupt(_) | Failure::Refused(_) | Failure::TooLarge { .. }),
        )) => {
            tracing::error!(tenant = %key.0, %task, %reason, "a task cannot be changed");
            Ok(Became::Refused)
        }
        passing @ UniqueError::Command(_) => Err(passing.to_string()),
    }
}
