//! Which other tasks a task waits for.
//!
//! Invariant: a task waits for tasks that were there before it and never for itself, so no tasks
//! wait for each other in a circle.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{TaskRejection, TaskStatus};
use crate::TaskId;

/// For how many tasks one task may wait.
pub const DEPENDENCIES_MAX: usize = 100;

/// Another task that must come first.
#[derive(Clone, Copy, Debug, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
pub struct Dependency {
    /// Which one.
    pub task: TaskId,
    /// What must have become of it.
    #[serde(default)]
    pub when: When,
}

/// What must have become of a task that another waits for.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// It has ended, however.
    Ended,
    /// It has succeeded.
    #[default]
    Succeeded,
}

/// Whether what is waited for has come about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// It has.
    Holds,
    /// It may yet.
    Open,
    /// It cannot any more, unless somebody puts that task back into the queue.
    Void,
}

impl Dependency {
    /// Whether it holds, given the status of its task; none if there is no such task.
    pub fn standing(&self, status: Option<TaskStatus>) -> Standing {
        match status {
            Some(status) if !status.is_final() => Standing::Open,
            Some(status) if status == TaskStatus::Succeeded || self.when == When::Ended => {
                Standing::Holds
            }
            Some(_) | None => Standing::Void,
        }
    }
}

/// Refuses what the task `id` cannot wait for.
pub(super) fn check(id: TaskId, after: &[Dependency]) -> Result<(), TaskRejection> {
    if after.len() > DEPENDENCIES_MAX {
        return Err(TaskRejection::Invalid("after names at most 100 tasks"));
    }
    for (at, dependency) in after.iter().enumerate() {
        if dependency.task == id {
            return Err(TaskRejection::Invalid("after names the task itself"));
        }
        let others = &after[..at];
        if others.iter().any(|other| other.task == dependency.task) {
            return Err(TaskRejection::Invalid("after names a task twice"));
        }
    }
    Ok(())
}
