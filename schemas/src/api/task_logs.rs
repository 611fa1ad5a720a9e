//! What attempts say while they run, and how far they are.
//!
//! Invariant: a line's id says where it stands, so that reading goes on after it whoever is asked.

use domain::{LogLevel, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A line that an attempt said.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct TaskLogLine {
    /// Where it stands; later lines of the task have greater ones.
    #[schema(examples("4711-0"))]
    pub id: String,
    /// When it was said, by the clock of whoever ran the attempt.
    pub at: Timestamp,
    /// Which attempt said it, from 1.
    pub attempt: u32,
    /// How much it matters.
    pub level: LogLevel,
    /// What was said.
    pub text: String,
}

/// How far an attempt is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct TaskProgress {
    /// When it was said.
    pub at: Timestamp,
    /// Which attempt said it, from 1.
    pub attempt: u32,
    /// How much is done, in whatever the handler counts.
    pub done: u64,
    /// How much there is to do, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// What is being done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How far a task is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct TaskProgressView {
    /// What an attempt said last; none if none ever did, or too long ago.
    pub progress: Option<TaskProgress>,
}
