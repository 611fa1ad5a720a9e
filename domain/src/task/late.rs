//! Results of attempts that were taken from their worker before it had one.
//!
//! Invariant: such a result changes nothing of what the task is; it is kept once for each attempt
//! and worker, and only so many of one task.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Task, TaskError, TaskEvent, TaskRejection, TaskResultRefused};
use crate::{Decision, Timestamp};

/// How many late results of one task are kept.
pub const LATE_MAX: usize = 20;

/// A result that came too late.
#[derive(Clone, Debug, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
pub struct LateResult {
    /// When it was refused.
    pub at: Timestamp,
    /// The attempt that it is of.
    pub attempt: u32,
    /// What went wrong in it, in a stable word; none if the work was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The worker that had it.
    pub worker: String,
}

/// How an attempt ended, as its worker has it.
#[derive(Clone, Debug, PartialEq)]
pub enum AttemptResult {
    /// It went wrong.
    Failed(TaskError),
    /// The work is done, with this output; none if it is too large to be kept.
    Succeeded(Option<serde_json::Value>),
}

impl Task {
    pub(super) fn refuse_result(
        &self,
        attempt: u32,
        result: AttemptResult,
        worker: String,
    ) -> Decision<Self> {
        let of_it = |number: u32, by: &str| number == attempt && by == worker;
        let is_late = |late: &LateResult| of_it(late.attempt, &late.worker);
        if self.late.iter().any(is_late) || self.late.len() >= LATE_MAX {
            return Ok(vec![]);
        }
        let is_running = self.running().is_some_and(|a| of_it(a.number, &a.worker));
        let has_counted = self.status == super::TaskStatus::Succeeded
            && self
                .attempt
                .as_ref()
                .is_some_and(|a| of_it(a.number, &a.worker));
        if is_running || has_counted {
            return Err(TaskRejection::NotLate(attempt));
        }
        let (error, output) = match result {
            AttemptResult::Failed(error) => (Some(error), None),
            AttemptResult::Succeeded(output) => (None, output),
        };
        Ok(vec![TaskEvent::ResultRefused(TaskResultRefused {
            attempt,
            error,
            output,
            worker,
        })])
    }

    /// Keeps a late result; of a life it changes nothing.
    pub(super) fn with_late(mut self, refused: &TaskResultRefused, at: Timestamp) -> Self {
        if self.late.len() < LATE_MAX {
            self.late.push(LateResult {
                at,
                attempt: refused.attempt,
                error_code: refused.error.as_ref().map(|error| error.code.clone()),
                worker: refused.worker.clone(),
            });
        }
        self
    }
}
