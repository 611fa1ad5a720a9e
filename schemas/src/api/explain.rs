//! Why a task has not started, or why it was late, as the API says it.
//!
//! Invariant: everything is said twice, for programs and for people, and both say the same.

use domain::{TaskId, Timestamp, task::TaskStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a task did all its life, and what it waits for now.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct TaskExplanation {
    /// Which one.
    pub id: TaskId,
    /// Where in its life it is.
    pub status: TaskStatus,
    /// The answer in a sentence or two.
    pub summary: String,
    /// What it waits for now; empty once it runs or has ended.
    pub waits_for: Vec<WaitReason>,
    /// How long after it was wanted its first attempt began, in milliseconds; null if none has.
    pub late_ms: Option<i64>,
    /// What it did all its life, from its events.
    pub chapters: Vec<ChapterView>,
}

/// Something that a task waits for.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct WaitReason {
    /// What it is, in a stable word.
    pub code: WaitCode,
    /// The same for people.
    pub words: String,
    /// Until when at the earliest, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The task that is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// How many there are before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// What a task may wait for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitCode {
    /// Another task.
    Dependency,
    /// Tasks of the same priority that have waited longer.
    EarlierTasks,
    /// Tasks of higher priority.
    HigherPriority,
    /// Its `not_before`.
    NotBefore,
    /// Its next attempt, after an error.
    RetryBackoff,
    /// Room under the tenant's limit of tasks at a time.
    TenantLimit,
    /// A worker that does its kind, or room under a limit of the installation.
    Worker,
}

/// A time in which a task did one thing.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct ChapterView {
    /// What it did, in a stable word: `held`, `scheduled`, `waiting`, `running`, `retrying`, or the
    /// status in which it ended.
    pub doing: String,
    /// The same for people.
    pub words: String,
    /// Since when.
    pub from: Timestamp,
    /// Until when; null if it still does.
    pub until: Option<Timestamp>,
    /// How long, in milliseconds; until now if it still does.
    pub lasted_ms: i64,
    /// The attempt that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}
