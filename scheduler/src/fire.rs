//! Decides slots: for each the commit that makes it a task, or gives it up.
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
    task::{JobSlot, SkipReason, Task, TaskCommand, TaskCreated, TaskRejection},
};
use event_log::Position;
use futures::future::join_all;

use crate::index::JobKey;

/// How long to wait for the log's answer before the slot counts as owed again.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a slot is to become.
#[derive(Clone, Debug)]
pub enum Intent {
    /// This task.
    Create(Box<TaskCreated>),
    /// Nothing, and so are those of the run that it ends.
    GiveUp(JobSlotsSkipped),
    /// Nothing, for this reason.
    Skip(SkipReason),
}

/// A slot to be decided.
#[derive(Clone, Debug)]
pub struct Due {
    /// What it is to become.
    pub intent: Intent,
    /// Whose slot it is.
    pub job: JobKey,
    /// Which slot.
    pub slot: Timestamp,
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

/// Decides slots of different jobs, at most 1,000, as far as possible in one batch of the log.
/// Tried again, each comes to the same task and the same command.
pub async fn decide(commands: Commands, due: Vec<Due>) -> Vec<Fired> {
    let (mut born, mut births, mut runs) = (Vec::new(), Vec::new(), Vec::new());
    for due in due {
        match due.intent {
            Intent::GiveUp(run) => runs.push(give_up(&commands, due.job, run)),
            Intent::Create(_) | Intent::Skip(_) => {
                births.extend(birth(&due));
                born.push(due);
            }
        }
    }
    let begun = tokio::time::timeout(PATIENCE, commands.begin_all::<Task>(&births));
    let (answered, mut fired) = tokio::join!(begun, join_all(runs));
    let outcomes: Vec<_> = match answered {
        Ok(answers) => (born.iter().zip(answers))
            .map(|(due, answer)| outcome(due, answer))
            .collect(),
        Err(_) => (born.iter())
            .map(|_| Outcome::Owed("no answer from the log".to_owned()))
            .collect(),
    };
    let told = |(Due { job, slot, .. }, outcome)| Fired { job, outcome, slot };
    fired.extend(born.into_iter().zip(outcomes).map(told));
    fired
}

/// The command that decides a slot by itself; none if it is given up with others.
fn birth(due: &Due) -> Option<(Ask, TaskCommand)> {
    let (tenant, job_id) = due.job;
    let task = TaskId::of_slot(job_id, due.slot);
    let command = match &due.intent {
        Intent::Create(created) => TaskCommand::Create((**created).clone()),
        Intent::GiveUp(_) => return None,
        Intent::Skip(reason) => TaskCommand::SkipSlot {
            origin: JobSlot {
                job_id,
                slot: Some(due.slot),
                run: None,
            },
            reason: *reason,
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
    Some((ask, command))
}

/// Gives up a long run of slots by one commit on their job, behind those before it.
async fn give_up(commands: &Commands, job: JobKey, run: JobSlotsSkipped) -> Fired {
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

fn outcome(due: &Due, answer: Result<Receipt<Task>, CommandError<TaskRejection>>) -> Outcome {
    let Due { job, slot, .. } = due;
    match answer {
        Ok(receipt) => Outcome::Decided {
            run: receipt
                .state
                .as_ref()
                .and_then(|state| state.origin)
                .and_then(|origin| origin.run),
            open: receipt
                .state
                .filter(|state| !state.status.is_final())
                .map(|_| TaskId::of_slot(job.1, *slot)),
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
