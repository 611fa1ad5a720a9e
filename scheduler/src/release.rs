//! Decides on a task that is held back for others: the commit that lets it go or stops it, or none
//! yet.
//!
//! Invariant: it is decided on what the log says of the tasks before it after the question was
//! asked, so an end that the asker has seen counts; and the task itself accepts the outcome only
//! while it is held back.

use commands::{Ask, CommandError, Commands, Failure};
use domain::{
    Actor, CommandId,
    task::{Dependency, Standing, Task, TaskCancelRequested, TaskCommand, TaskStatus, When},
};
use futures::future::try_join_all;

use crate::{backoff::backoff, index::TaskKey};

/// Judges `key`, which comes `after` others, and tries until the log has answered.
pub async fn judge(commands: Commands, key: TaskKey, after: Vec<Dependency>) -> TaskKey {
    let command_id = CommandId::new(commands.ids().next());
    let mut failures = 0;
    while let Err(reason) = decide(&commands, command_id, key, &after).await {
        failures += 1;
        if failures == 1 {
            tracing::warn!(tenant = %key.0, task = %key.1, %reason,
                "a task stays held back: trying on");
        }
        tokio::time::sleep(backoff(failures)).await;
    }
    key
}

/// One try; an error is worth another.
async fn decide(
    commands: &Commands,
    command_id: CommandId,
    key: TaskKey,
    after: &[Dependency],
) -> Result<(), String> {
    let asked = after.iter().map(|first| status(commands, key, first));
    let found = match try_join_all(asked).await {
        Ok(found) => found,
        Err(reason @ (Failure::Unavailable(_) | Failure::Unknown(_) | Failure::Busy(_))) => {
            return Err(reason.to_string());
        }
        Err(reason) => {
            tracing::error!(tenant = %key.0, task = %key.1, %reason,
                "a task before this one cannot be read: this one is left alone");
            return Ok(());
        }
    };
    let Some(command) = follows(after, &found) else {
        return Ok(());
    };
    let actor = Actor::System("scheduler".to_owned());
    let ask = Ask::new(actor, key.0, key.1.uuid(), command_id);
    match commands.execute::<Task>(ask, command).await {
        // Refused: it has gone its way meanwhile.
        Ok(_) | Err(CommandError::Rejected(_)) => Ok(()),
        Err(CommandError::Failed(
            reason @ (Failure::Corrupt(_) | Failure::Refused(_) | Failure::TooLarge { .. }),
        )) => {
            tracing::error!(tenant = %key.0, task = %key.1, %reason,
                "a task that is held back cannot be changed: it is left alone");
            Ok(())
        }
        Err(reason) => Err(reason.to_string()),
    }
}

async fn status(
    commands: &Commands,
    key: TaskKey,
    first: &Dependency,
) -> Result<Option<TaskStatus>, Failure> {
    let found = commands.state::<Task>(key.0, first.task.uuid()).await?;
    Ok(found.map(|current| current.state.status))
}

/// What the task is asked to do; nothing while some of the others are open.
fn follows(after: &[Dependency], found: &[Option<TaskStatus>]) -> Option<TaskCommand> {
    let each = || after.iter().zip(found);
    let void = each().find(|(first, status)| first.standing(**status) == Standing::Void);
    if let Some((first, status)) = void {
        let reason = Some(why(first, *status));
        return Some(TaskCommand::Cancel(TaskCancelRequested::because(reason)));
    }
    each()
        .all(|(first, status)| first.standing(*status) == Standing::Holds)
        .then_some(TaskCommand::Release)
}

/// Why the task after `first` will never start, for whoever asks later.
fn why(first: &Dependency, status: Option<TaskStatus>) -> String {
    let wanted = match first.when {
        When::Ended => "ended",
        When::Succeeded => "succeeded",
    };
    let task = first.task;
    match status {
        Some(status) => format!(
            "it was to start once task {task} had {wanted}, which ended as {}",
            status.name()
        ),
        None => format!("it was to start once task {task} had {wanted}, which does not exist"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TaskStatus::{Dead, Queued, Running, Succeeded};
    use domain::TaskId;

    fn after(when: [When; 2]) -> Vec<Dependency> {
        let id = |n| TaskId::new(uuid::Uuid::from_u128(n));
        let one = |(n, when)| Dependency { task: id(n), when };
        (1..).zip(when).map(one).collect()
    }

    #[test]
    fn all_must_hold_and_none_may_be_void() {
        let both = after([When::Succeeded, When::Ended]);
        let found = |one, other| follows(&both, &[one, other]);
        let released = found(Some(Succeeded), Some(Dead));
        assert!(matches!(released, Some(TaskCommand::Release)));
        assert!(found(Some(Succeeded), Some(Running)).is_none());
        assert!(found(Some(Queued), Some(Dead)).is_none());
        // What can never hold is not waited for, whatever else is open.
        for void in [found(Some(Dead), Some(Running)), found(None, Some(Queued))] {
            let Some(TaskCommand::Cancel(TaskCancelRequested {
                reason: Some(reason),
                ..
            })) = void
            else {
                panic!("{void:?}");
            };
            assert!(reason.contains("00000001 had succeeded"), "{reason}");
        }
    }
}
