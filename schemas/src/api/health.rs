//! How a job does, as the API shows it.
//!
//! Invariant: all of it is as of one position; what is alarming follows from that and the clock.

use domain::{JobId, job::JobAlert};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Percentiles;

/// How a job does.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct JobHealthView {
    /// Which job.
    pub id: JobId,
    /// What is wrong with it; empty if nothing is.
    pub alerts: Vec<JobAlert>,
    /// How many runs of it were looked at: the latest, 1000 at most.
    pub runs: u64,
    /// How many of these succeeded.
    pub succeeded: u64,
    /// How many failed.
    pub failed: u64,
    /// How many were stopped.
    pub cancelled: u64,
    /// How many failed in a row, up to the latest.
    pub failures_in_a_row: u64,
    /// How long those took that succeeded; absent if none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<Percentiles>,
    /// How long after their slot they began; absent if none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<Percentiles>,
}
