//! What jobs will do in the time to come, as far as their schedules and what their tasks took say.
//!
//! Invariant: slots are planned by the rules that the leader plans by, and whose turn it is among
//! waiting tasks is what the worker says; only the clock and the work are made up.

mod difference;
mod run;

use std::collections::BTreeMap;

use domain::{JobId, Timestamp, job::Job, schedule::Oddity, task::Priority};
use serde::Serialize;

pub use difference::{Change, Difference, difference};
pub use run::simulate;

/// How many odd slots are listed.
pub const ODD_MAX: usize = 1_000;

/// What is to be played through.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The jobs.
    pub jobs: Vec<PlannedJob>,
    /// From when on.
    pub from: Timestamp,
    /// Of late slots, how many are decided one by one.
    pub late_max: usize,
    /// From when and until when nothing fires.
    pub outage: Option<(Timestamp, Timestamp)>,
    /// Until when.
    pub until: Timestamp,
    /// How many attempts are made at a time.
    pub workers: u32,
}

/// A job, and how long each of its tasks takes.
#[derive(Clone, Debug)]
pub struct PlannedJob {
    /// How long.
    pub duration_ms: u64,
    /// Which.
    pub id: JobId,
    /// What it is.
    pub job: Job,
    /// How often it has run, if that is counted.
    pub runs: u32,
}

/// What will be.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Forecast {
    /// How many tasks there will be.
    pub tasks: u64,
    /// How many of them fall into each hour.
    pub tasks_per_hour: Vec<u64>,
    /// How many attempts are made at a time at most.
    pub busy_max: u32,
    /// How much of the workers' time is used, from 0 to 1.
    pub utilisation: f64,
    /// How long tasks wait for a worker, by priority.
    pub waits: BTreeMap<&'static str, Waits>,
    /// How many slots become no task, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Of these, how many each job skips since its task before had not ended.
    pub overlaps: BTreeMap<JobId, u64>,
    /// How many slots of each job become tasks that wait for those before them.
    pub queued: BTreeMap<JobId, u64>,
    /// How many tasks each job stops, since its next slot takes their place.
    pub stopped: BTreeMap<JobId, u64>,
    /// How many slots are odd since clocks are set around them.
    pub odd_total: u64,
    /// The first of these.
    pub odd: Vec<OddSlot>,
    /// What the outage costs, if there is one.
    pub outage: Option<OutageCost>,
}

/// How long tasks wait.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Waits {
    /// How many.
    pub tasks: u64,
    /// Half of them wait no longer.
    pub p50_ms: u64,
    /// All but one in a hundred wait no longer.
    pub p99_ms: u64,
    /// None waits longer.
    pub max_ms: u64,
}

/// A slot that is odd.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct OddSlot {
    /// Whose.
    pub job: JobId,
    /// What people call that.
    pub name: String,
    /// Which.
    pub slot: Timestamp,
    /// What its clocks show then.
    pub local: Option<String>,
    /// What is odd.
    pub oddity: Oddity,
}

/// What it costs that nothing fires for a while.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct OutageCost {
    /// How many slots fell due.
    pub slots: u64,
    /// How many of these are made up for.
    pub fired_late: u64,
    /// How many are not.
    pub skipped: u64,
    /// How many tasks wait at once at most, from its end on.
    pub backlog_max: u64,
    /// How long after its end nobody waits any more; absent if that never comes.
    pub recovered_after_ms: Option<i64>,
}

/// The name of each class of the worker's.
const fn class_name(class: usize) -> &'static str {
    Priority::ALL[class].name()
}

#[cfg(test)]
mod tests;
