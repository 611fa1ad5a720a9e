//! A job: a schedule with a template for the tasks that it creates.
//!
//! Life cycle:
//!
//! ```text
//!   (none) ── created ──► active ── paused ──► paused
//!                           ▲  │                 │ │
//!                           └──┼──── resumed ────┘ │
//!                              └──► deleted ◄──────┘     put again: active or paused
//! ```
//!
//! Invariant: the schedule of a job that exists can be followed, and its template is one that a
//! task would accept. Slots before `since` are never owed.

pub mod audit;
mod events;
mod health;
mod history;
mod ledger;
mod overlap;
mod policy;
#[cfg(test)]
mod tests;

pub use events::{
    JobCreated, JobDeleted, JobEvent, JobPaused, JobResumed, JobSlotsSkipped, JobUpdated,
};
pub use health::{JobAlert, Signs};
pub use history::{History, Settled, Span};
pub use ledger::{Ledger, LedgerSlot, SlotDecision, SlotOutcome, SlotReason};
pub use overlap::{Meeting, Overlap};
pub use policy::{InvalidPolicy, JITTER_MAX_MS, JobPolicy, LATE_MAX_MS, MISFIRE_MAX};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Aggregate, AggregateKind, Context, Decision, Name, Origin, Timestamp,
    schedule::{Calendar, InvalidSchedule, Schedule},
    task::{TaskRejection, TaskSpec},
};

/// What to do with slots that were missed while nobody could fire them.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Misfire {
    /// Fire each of them, up to the latest hundred unless the job's policy says otherwise.
    All,
    /// Fire the latest and skip the others.
    #[default]
    Latest,
    /// Skip them all.
    Skip,
}

/// Where in its life a job is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Fires.
    Active,
    /// Gone.
    Deleted,
    /// Does not fire until resumed.
    Paused,
}

/// A job as its events left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// When it was created.
    pub created_at: Timestamp,
    /// What to do with missed slots.
    pub misfire: Misfire,
    /// What people call it.
    pub name: Name,
    /// Why it is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where it was imported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What to do when tasks would overlap.
    pub overlap: Overlap,
    /// When exactly, how late and how often it fires.
    #[serde(default, skip_serializing_if = "JobPolicy::is_usual")]
    pub policy: JobPolicy,
    /// When it is due.
    pub schedule: Schedule,
    /// Slots after this instant are owed; it moves when the schedule or what limits it changes,
    /// and on resuming.
    pub since: Timestamp,
    /// The last of the slots that were given up in long runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped_until: Option<Timestamp>,
    /// Where in its life it is.
    pub status: JobStatus,
    /// What its tasks do.
    pub task: TaskSpec,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
}

/// What can be asked of a job.
#[derive(Clone, Debug)]
pub enum JobCommand {
    /// Bring it to life; refused if it lives.
    Create(JobCreated),
    /// End it.
    Delete,
    /// Fire no more.
    Pause {
        /// Why, for whoever asks later.
        note: Option<String>,
    },
    /// Make it just so, whether it lives already or not. Whether it is paused changes only by the
    /// commands for that, and an origin that is left out stays.
    Put(JobCreated),
    /// Fire again.
    Resume,
    /// Give up a long run of slots that were missed.
    SkipSlots(JobSlotsSkipped),
    /// Change some of it.
    Update(JobUpdated),
}

/// Why a job may say no.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JobRejection {
    /// There is one with this id.
    #[error("the job exists already")]
    AlreadyExists,
    /// It was imported from another source.
    #[error("the job was imported from {0:?}, and no other source may change that")]
    Foreign(String),
    /// There is none with this id, or not any more.
    #[error("there is no such job")]
    NotFound,
    /// A part of its policy is out of bounds.
    #[error(transparent)]
    Policy(#[from] InvalidPolicy),
    /// Its schedule cannot be followed.
    #[error(transparent)]
    Schedule(#[from] InvalidSchedule),
    /// Some of these slots are not owed, or given up already.
    #[error("the slots are not owed, or not any more")]
    Settled,
    /// No task could be made from its template.
    #[error(transparent)]
    Task(#[from] TaskRejection),
}

impl Job {
    fn born(created: &JobCreated, at: Timestamp) -> Self {
        let created = created.clone();
        Self {
            created_at: at,
            misfire: created.misfire,
            name: created.name,
            note: None,
            origin: created.origin,
            overlap: created.overlap,
            policy: created.policy,
            schedule: created.schedule,
            since: at,
            skipped_until: None,
            status: if created.enabled {
                JobStatus::Active
            } else {
                JobStatus::Paused
            },
            task: created.task,
            updated_at: at,
        }
    }

    fn updated(self, updated: &JobUpdated, at: Timestamp) -> Self {
        let updated = updated.clone();
        let policy = updated.policy.unwrap_or(self.policy);
        // What a limit has kept from being owed is not owed once the limit moves.
        let limit_moved = policy.max_runs != self.policy.max_runs || self.policy.has_ended(at);
        let is_anew = updated.schedule.is_some() || updated.policy.is_some() && limit_moved;
        Self {
            misfire: updated.misfire.unwrap_or(self.misfire),
            name: updated.name.unwrap_or(self.name),
            origin: updated.origin.or(self.origin),
            overlap: updated.overlap.unwrap_or(self.overlap),
            policy,
            since: if is_anew { at } else { self.since },
            schedule: updated.schedule.unwrap_or(self.schedule),
            task: updated.task.unwrap_or(self.task),
            ..self
        }
    }

    fn update(&self, wanted: JobUpdated) -> Decision<Self> {
        let changes = JobUpdated {
            name: wanted.name.filter(|name| *name != self.name),
            schedule: wanted
                .schedule
                .filter(|schedule| *schedule != self.schedule),
            task: wanted.task.filter(|task| *task != self.task),
            overlap: wanted.overlap.filter(|overlap| *overlap != self.overlap),
            misfire: wanted.misfire.filter(|misfire| *misfire != self.misfire),
            policy: wanted.policy.filter(|policy| *policy != self.policy),
            origin: Origin::change(self.origin.as_ref(), wanted.origin)
                .map_err(JobRejection::Foreign)?,
        };
        if changes == JobUpdated::default() {
            return Ok(vec![]);
        }
        check(
            changes.schedule.as_ref(),
            changes.task.as_ref(),
            changes.policy.as_ref(),
        )?;
        Ok(vec![JobEvent::Updated(changes)])
    }

    /// A run of slots is given up once, and only behind the runs before it.
    fn skip_slots(&self, wanted: JobSlotsSkipped) -> Decision<Self> {
        if self.skipped_until == Some(wanted.until) {
            return Ok(vec![]);
        }
        let is_behind = self.skipped_until.is_none_or(|until| until < wanted.from);
        let is_owed = self.status == JobStatus::Active && wanted.from > self.since;
        if is_behind && is_owed && wanted.from <= wanted.until {
            Ok(vec![JobEvent::SlotsSkipped(wanted)])
        } else {
            Err(JobRejection::Settled)
        }
    }
}

impl Aggregate for Job {
    const KIND: AggregateKind = AggregateKind::Job;
    type Event = JobEvent;
    type Command = JobCommand;
    type Rejection = JobRejection;

    fn evolve(state: Option<Self>, event: &JobEvent, at: Timestamp) -> Option<Self> {
        let Some(job) = state else {
            return match event {
                JobEvent::Created(created) => Some(Self::born(created, at)),
                _ => None,
            };
        };
        let job_then = Self {
            updated_at: at,
            ..job.clone()
        };
        Some(match (job.status, event) {
            (JobStatus::Deleted, JobEvent::Created(created)) => Self::born(created, at),
            (JobStatus::Deleted, _) | (_, JobEvent::Created(_)) => job,
            (_, JobEvent::Deleted(_)) => Self {
                status: JobStatus::Deleted,
                ..job_then
            },
            (_, JobEvent::Paused(JobPaused { note })) => Self {
                note: note.clone(),
                status: JobStatus::Paused,
                ..job_then
            },
            (_, JobEvent::Resumed(_)) => Self {
                note: None,
                since: at,
                status: JobStatus::Active,
                ..job_then
            },
            // Nothing of what the job is has changed by that.
            (_, JobEvent::SlotsSkipped(skipped)) => Self {
                skipped_until: Some(skipped.until),
                ..job
            },
            (_, JobEvent::Updated(updated)) => job_then.updated(updated, at),
        })
    }

    fn decide(state: Option<&Self>, command: &JobCommand, _: &Context) -> Decision<Self> {
        let living = state.filter(|job| job.status != JobStatus::Deleted);
        let Some(job) = living else {
            return match command.clone() {
                JobCommand::Create(wanted) | JobCommand::Put(wanted) => {
                    check(
                        Some(&wanted.schedule),
                        Some(&wanted.task),
                        Some(&wanted.policy),
                    )?;
                    Ok(vec![JobEvent::Created(wanted)])
                }
                JobCommand::Delete if state.is_some() => Ok(vec![]),
                _ => Err(JobRejection::NotFound),
            };
        };
        match command.clone() {
            JobCommand::Create(_) => Err(JobRejection::AlreadyExists),
            JobCommand::Delete => Ok(vec![JobEvent::Deleted(JobDeleted {})]),
            JobCommand::Pause { note } => Ok((job.status == JobStatus::Active)
                .then_some(JobEvent::Paused(JobPaused { note }))
                .into_iter()
                .collect()),
            JobCommand::Put(wanted) => job.update(JobUpdated {
                name: Some(wanted.name),
                schedule: Some(wanted.schedule),
                task: Some(wanted.task),
                overlap: Some(wanted.overlap),
                misfire: Some(wanted.misfire),
                origin: wanted.origin,
                policy: Some(wanted.policy),
            }),
            JobCommand::Resume => Ok((job.status == JobStatus::Paused)
                .then_some(JobEvent::Resumed(JobResumed {}))
                .into_iter()
                .collect()),
            JobCommand::SkipSlots(wanted) => job.skip_slots(wanted),
            JobCommand::Update(wanted) => job.update(wanted),
        }
    }
}

/// Refuses a schedule that cannot be followed, a template that no task would accept, and a policy
/// that is out of bounds.
fn check(
    schedule: Option<&Schedule>,
    task: Option<&TaskSpec>,
    policy: Option<&JobPolicy>,
) -> Result<(), JobRejection> {
    schedule.map(Calendar::try_new).transpose()?;
    task.map(TaskSpec::check).transpose()?;
    policy.map(JobPolicy::check).transpose()?;
    Ok(())
}
