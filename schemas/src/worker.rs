//! What a worker says of itself while it is there.
//!
//! Invariant: fields are only added, and only optional ones, so that workers of several versions
//! are understood.

use domain::{TaskId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

/// A worker that is there.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct WorkerEntry {
    /// What it is called in the log.
    pub name: String,
    /// The kinds that it serves.
    pub kinds: Vec<String>,
    /// How many attempts it makes at a time; none if it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// The attempts that it is at.
    pub running: Vec<RunningAttempt>,
    /// What it is a version of; none if it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where it is, as its configuration calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Whether it is about to go and takes no more.
    pub draining: bool,
    /// How much memory it takes; none if it cannot tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Since when it has been there.
    pub started_at: Timestamp,
    /// Whose it is, if it is outside of Almanac.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
}

/// An attempt that a worker is at.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RunningAttempt {
    /// Whose task.
    pub tenant: TenantId,
    /// Which task.
    pub task: TaskId,
    /// Which attempt at it, from 1.
    pub attempt: u32,
}
