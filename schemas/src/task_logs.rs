//! What the stream of task logs holds.
//!
//! Invariant: fields are only added, and only optional ones, so that what is kept can be read for
//! as long as it is kept.

use domain::{LogLevel, Timestamp};
use serde::{Deserialize, Serialize};

use crate::api::TaskProgress;

/// What one attempt said within a moment.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TaskLogBatch {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Line by line.
    pub lines: Vec<TaskLogEntry>,
    /// How far the task was then, if anything was ever said of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<TaskProgress>,
}

/// A line of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TaskLogEntry {
    /// When it was said.
    pub at: Timestamp,
    /// How much it matters.
    pub level: LogLevel,
    /// What was said.
    pub text: String,
}
