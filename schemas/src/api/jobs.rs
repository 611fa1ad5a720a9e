//! Jobs as the API takes and shows them.
//!
//! Invariant: a job is created enabled unless its creator says otherwise, and only `pause` and
//! `resume` change that later.

use domain::{
    JobId, Origin, Timestamp,
    job::{JobPolicy, JobStatus, Misfire, Overlap},
    schedule::{Oddity, Schedule},
    task::TaskSpec,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A job to create, or to put in place of the one there is.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateJob {
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, examples("nightly backup"))]
    pub name: String,
    /// When it is due.
    pub schedule: Schedule,
    /// What its tasks do.
    pub task: TaskSpec,
    /// What to do when tasks would overlap; `allow` by default.
    #[serde(default)]
    pub overlap: Overlap,
    /// What to do with missed slots; `latest` by default.
    #[serde(default)]
    pub misfire: Misfire,
    /// When exactly, how late and how often it fires; without limits by default.
    #[serde(default)]
    pub policy: JobPolicy,
    /// Whether it starts active; true by default. A put leaves it as it is on a job that exists.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub enabled: bool,
    /// Where it was imported from. A put that leaves it out keeps it; one from another source is
    /// refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Changes to a job; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchJob {
    /// The new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
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
    /// When exactly, how late and how often it fires from now on, all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<JobPolicy>,
}

/// Why to pause a job.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseJob {
    /// In your words, for whoever asks later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
}

/// Run a job's task now, beside its schedule.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TriggerJob {}

/// Ask when a schedule would be due.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewJob {
    /// The schedule.
    pub schedule: Schedule,
    /// Slots strictly after this instant; now by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// How many: 1 to 100, 5 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100, default = 5)]
    pub count: Option<u32>,
    /// The job whose slots they are, to see when its jitter lets each fire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// When exactly and how long it fires.
    #[serde(default)]
    pub policy: JobPolicy,
}

/// When a schedule would be due.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct Preview {
    /// In order; fewer than asked for when the schedule ends.
    pub slots: Vec<PreviewedSlot>,
}

/// One instant at which a schedule would be due.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct PreviewedSlot {
    /// The instant.
    pub at: Timestamp,
    /// When it fires, if the job spreads its slots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fires_at: Option<Timestamp>,
    /// What the clocks of the schedule's zone show then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("2027-03-28T03:00:00+02:00"))]
    pub local: Option<String>,
    /// What is odd about it, since clocks are set around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oddity: Option<Oddity>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct JobView {
    /// Its identity.
    pub id: JobId,
    /// What people call it.
    pub name: String,
    /// Whether it fires.
    pub status: JobStatus,
    /// Why it is paused.
    pub note: Option<String>,
    /// When it is due.
    pub schedule: Schedule,
    /// What its tasks do.
    pub task: TaskSpec,
    /// What to do when tasks would overlap.
    pub overlap: Overlap,
    /// What to do with missed slots.
    pub misfire: Misfire,
    /// When exactly, how late and how often it fires.
    #[serde(default)]
    pub policy: JobPolicy,
    /// Where it was imported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
    /// Counts the changes; the `ETag`.
    pub version: u64,
}

fn yes() -> bool {
    true
}
