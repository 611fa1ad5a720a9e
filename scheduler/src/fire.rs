//! Decides slots: for each the commit that makes it a task, or gives it up.
//!
//! Invariant: either is the first commit on one and the same subject, whose id follows from the job
//! and the slot; so a slot is decided once, however many decide it.

use std::time::Duration;

use commands::{Ask, CommandError, Commands, Failure, Receipt};
use domain::{
    Actor, CommandId, TaskId, Timestamp,
    task::{JobSlot, SkipReason, Task, TaskCommand, TaskCreated, TaskRejection, TaskSpec},
};
use event_log::Position;

use crate::index::JobKey;

/// How long to wait for the log's answer before the slot counts as owed again.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a slot is to become.
#[derive(Clone, Debug)]
pub enum Intent {
    /// A task that does this.
    Create(TaskSpec),
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
    },
    /// By somebody else, or it never can be.
    Elsewhere,
    /// Not yet: the log did not answer.
    Owed(String),
}

/// Decides slots of different jobs, at most 1,000, as far as possible in one batch of the log.
/// Tried again, each comes to the same task and the same command.
pub async fn decide(commands: Commands, due: Vec<Due>) -> Vec<Fired> {
    let births: Vec<_> = due.iter().map(birth).collect();
    let answered = tokio::time::timeout(PATIENCE, commands.begin_all::<Task>(&births)).await;
    let outcomes: Vec<_> = match answered {
        Ok(answers) => (due.iter().zip(answers))
            .map(|(due, answer)| outcome(due, answer))
            .collect(),
        Err(_) => (due.iter())
            .map(|_| Outcome::Owed("no answer from the log".to_owned()))
            .collect(),
    };
    let fired = |(Due { job, slot, .. }, outcome)| Fired { job, outcome, slot };
    due.into_iter().zip(outcomes).map(fired).collect()
}

/// The command that decides a slot.
fn birth(due: &Due) -> (Ask, TaskCommand) {
    let (tenant, job_id) = due.job;
    let task = TaskId::of_slot(job_id, due.slot);
    let origin = JobSlot {
        job_id,
        slot: Some(due.slot),
    };
    let command = match &due.intent {
        Intent::Create(spec) => TaskCommand::Create(TaskCreated {
            origin: Some(origin),
            ..TaskCreated::new(spec.clone())
        }),
        Intent::Skip(reason) => TaskCommand::SkipSlot {
            origin,
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
    (ask, command)
}

fn outcome(due: &Due, answer: Result<Receipt<Task>, CommandError<TaskRejection>>) -> Outcome {
    let Due { job, slot, .. } = due;
    match answer {
        Ok(receipt) => Outcome::Decided {
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
            Outcome::Elsewhere
        }
    }
}
