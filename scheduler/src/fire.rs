//! Decides one slot: the commit that makes it a task, or gives it up.
//!
//! Invariant: either is the first commit on one and the same subject, whose id follows from the job
//! and the slot; so a slot is decided once, however many decide it. A long run of missed slots is
//! given up by one commit on their job; should one of them become a task nevertheless, since who
//! fires it has not heard of that yet, the task is what became of it.

use std::time::Duration;

use commands::{Ask, CommandError, Commands, Failure, Receipt};
use domain::{
    Actor, CommandId, TaskId, Timestamp,
    job::{Job, JobCommand, JobSlotsSkipped},
    task::{JobSlot, SkipReason, Task, TaskCommand, TaskCreated, TaskRejection, TaskSpec},
};
use event_log::Position;

use crate::index::JobKey;

/// How long to wait for the log's answer before the slot counts as owed again.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a slot is to become.
#[derive(Clone, Debug)]
pub enum Intent {
    /// A task that does this, as the run of its job with this number, if they are counted.
    Create(TaskSpec, Option<u32>),
    /// Nothing, and so are those of the run that it ends.
    GiveUp(JobSlotsSkipped),
    /// Nothing, for this reason.
    Skip(SkipReason),
}

/// What came of it.
#[derive(Debug)]
pub struct Fired {
    /// Whose slot it was.
    pub job: JobKey,
    /// Whether it is decided, and by whom.
    pub outcome: Outcome,
    /// Which slot.
    pub slot: Timestamp,
}

/// Whether a slot is decided.
#[derive(Debug)]
pub enum Outcome {
    /// By us: the commit is there.
    Decided {
        /// The task, if the slot became one that has not ended.
        open: Option<TaskId>,
        /// Where its last commit is.
        position: Position,
        /// Which run of the job it became, if these are counted.
        run: Option<u32>,
    },
    /// By somebody else.
    Elsewhere,
    /// By nobody: no try would succeed.
    Never,
    /// Not yet: the log did not answer.
    Owed(String),
}

/// Decides `slot`. Tried again, it comes to the same task and the same command.
pub async fn decide(commands: Commands, job: JobKey, slot: Timestamp, intent: Intent) -> Fired {
    let (tenant, job_id) = job;
    let task = TaskId::of_slot(job_id, slot);
    let origin = |run| JobSlot {
        job_id,
        slot: Some(slot),
        run,
    };
    let command = match intent {
        Intent::Create(spec, run) => TaskCommand::Create(TaskCreated {
            spec,
            not_before: None,
            origin: Some(origin(run)),
        }),
        Intent::GiveUp(run) => return give_up(commands, job, run).await,
        Intent::Skip(reason) => TaskCommand::SkipSlot {
            origin: origin(None),
            reason,
        },
    };
    let ask = Ask {
        causation: Some(job_id.uuid()),
        fresh: true,
        ..Ask::new(
            Actor::System("scheduler".to_owned()),
            tenant,
            task.uuid(),
            CommandId::new(task.uuid()),
        )
    };
    let executed =
        tokio::time::timeout(PATIENCE, commands.execute_here::<Task>(&ask, &command)).await;
    let outcome = executed.map_or_else(
        |_| Outcome::Owed("no answer from the log".to_owned()),
        |result| outcome(job, slot, task, result),
    );
    Fired { job, outcome, slot }
}

/// Gives up a long run of slots by one commit on their job, behind those before it.
async fn give_up(commands: Commands, job: JobKey, run: JobSlotsSkipped) -> Fired {
    let (tenant, id) = job;
    let actor = Actor::System("scheduler".to_owned());
    let command = CommandId::new(commands.ids().next());
    let ask = Ask::new(actor, tenant, id.uuid(), command);
    let skip = JobCommand::SkipSlots(run);
    let executed = tokio::time::timeout(PATIENCE, commands.execute_here::<Job>(&ask, &skip)).await;
    let outcome = match executed {
        Ok(Ok(receipt)) => Outcome::Decided {
            open: None,
            position: receipt.position,
            run: None,
        },
        Ok(Err(reason)) => Outcome::Owed(reason.to_string()),
        Err(_) => Outcome::Owed("no answer from the log".to_owned()),
    };
    Fired {
        job,
        outcome,
        slot: run.until,
    }
}

fn outcome(
    job: JobKey,
    slot: Timestamp,
    task: TaskId,
    result: Result<Receipt<Task>, CommandError<TaskRejection>>,
) -> Outcome {
    match result {
        Ok(receipt) => Outcome::Decided {
            run: receipt
                .state
                .as_ref()
                .and_then(|state| state.origin)
                .and_then(|origin| origin.run),
            open: receipt
                .state
                .filter(|state| !state.status.is_final())
                .map(|_| task),
            position: receipt.position,
        },
        Err(CommandError::Rejected(TaskRejection::AlreadyExists)) => Outcome::Elsewhere,
        Err(CommandError::Failed(failure @ (Failure::Unavailable(_) | Failure::Unknown(_)))) => {
            Outcome::Owed(failure.to_string())
        }
        Err(CommandError::Contended) => Outcome::Owed("others were faster".to_owned()),
        // No other try would end otherwise, and the slots behind it must not wait for it.
        Err(reason) => {
            tracing::error!(tenant = %job.0, job = %job.1, %slot, %reason,
                "a slot cannot be decided: it is passed over");
            Outcome::Never
        }
    }
}
