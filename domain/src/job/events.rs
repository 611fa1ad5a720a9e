//! What can have happened to a job.
//!
//! Invariant: a field is added only as optional; a new meaning is a new version of the event.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{JobPolicy, Misfire, Overlap};
use crate::{
    Name, Origin, Timestamp,
    schedule::Schedule,
    task::{SkipReason, TaskSpec},
};

/// What can have happened to a job.
#[derive(Clone, Debug, PartialEq)]
pub enum JobEvent {
    /// `job.created`
    Created(JobCreated),
    /// `job.deleted`
    Deleted(JobDeleted),
    /// `job.paused`
    Paused(JobPaused),
    /// `job.resumed`
    Resumed(JobResumed),
    /// `job.slots_skipped`
    SlotsSkipped(JobSlotsSkipped),
    /// `job.updated`
    Updated(JobUpdated),
}

/// A job came to be, or came back.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct JobCreated {
    /// What people call it.
    pub name: Name,
    /// When it is due.
    pub schedule: Schedule,
    /// What its tasks do.
    pub task: TaskSpec,
    /// What to do when tasks would overlap.
    pub overlap: Overlap,
    /// What to do with missed slots.
    pub misfire: Misfire,
    /// Whether it starts active rather than paused.
    pub enabled: bool,
    /// Where it was imported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// When exactly, how late and how often it fires.
    #[serde(default, skip_serializing_if = "JobPolicy::is_usual")]
    pub policy: JobPolicy,
}

/// It is gone; tasks that it created live on.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct JobDeleted {}

/// It fires no more until it is resumed.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct JobPaused {
    /// Why, in the words of whoever paused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// It fires again, from the next slot on.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct JobResumed {}

/// A long run of missed slots was given up at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct JobSlotsSkipped {
    /// The first of them.
    pub from: Timestamp,
    /// The last of them.
    pub until: Timestamp,
    /// How many there are; absent if they were too many to be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Why.
    pub reason: SkipReason,
}

/// Something of it changed; what is absent stayed as it was.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct JobUpdated {
    /// The new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// When it is due from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// What its tasks do from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskSpec>,
    /// What to do when tasks would overlap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
    /// What to do with missed slots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misfire: Option<Misfire>,
    /// Where the importer found it this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// When exactly, how late and how often it fires from now on, all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<JobPolicy>,
}
