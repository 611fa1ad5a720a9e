//! The figures of the overview.
//!
//! Invariant: all figures of one answer reflect one position.

use std::collections::BTreeMap;

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Counts of everything a tenant has, and how its tasks went lately.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct Stats {
    /// The position that the figures reflect.
    pub position: u64,
    /// When the commit at that position was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached_at: Option<Timestamp>,
    /// Jobs by status.
    pub jobs: BTreeMap<String, u64>,
    /// Resources by type, the most frequent first.
    pub resources: Vec<TypeCount>,
    /// Tasks by status.
    pub tasks: BTreeMap<String, u64>,
    /// How many users there are.
    pub users: u64,
    /// How tasks went in the current hour and the 23 before it.
    #[serde(default)]
    pub recent: RecentTasks,
}

/// How many resources of a type there are.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct TypeCount {
    /// The name of the type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// How many.
    pub count: u64,
}

/// How tasks went lately. One that was put back into the queue since it ended does not count as
/// ended.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct RecentTasks {
    /// Since when: the beginning of an hour in UTC, or where the latest 50000 begin of those that
    /// came to be or that ended.
    pub since: Timestamp,
    /// How many came to be and how many ended.
    pub total: TaskFlow,
    /// The same for each hour in which anything did, the earliest first.
    pub hours: Vec<HourlyTasks>,
    /// Which part of those that succeeded, failed or died succeeded: 0 to 1; absent if none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_ratio: Option<f64>,
    /// How many ended in each minute since `since`, on average, skipped slots left out.
    pub ended_per_minute: f64,
    /// How long the last attempt of those that ended last took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<Percentiles>,
    /// How long after their slot those that ended last began, in milliseconds: tasks of jobs that
    /// needed one attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lateness_ms: Option<Percentiles>,
}

/// How many tasks came to be, and how many ended how.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct TaskFlow {
    /// How many were created, skipped slots left out.
    pub created: u64,
    /// How many were done.
    pub succeeded: u64,
    /// How many met an error that no other attempt would mend.
    pub failed: u64,
    /// How many used up their attempts.
    pub dead: u64,
    /// How many were stopped on request.
    pub cancelled: u64,
    /// How many slots of jobs were skipped.
    pub skipped: u64,
}

/// What happened in one hour.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct HourlyTasks {
    /// When the hour begins.
    pub at: Timestamp,
    /// What happened in it.
    #[serde(flatten)]
    pub flow: TaskFlow,
}

/// What half, nineteen of twenty and all but one in a hundred stayed within.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct Percentiles {
    /// Of how many: the latest, 1000 at most.
    pub sampled: u64,
    /// One half.
    pub p50: u64,
    /// 19 of 20.
    pub p95: u64,
    /// 99 of 100.
    pub p99: u64,
}
