//! How a task is stopped.
//!
//! Invariant: what waits is stopped at once, what runs is stopped by its worker; a request that was
//! made is never taken back, and only a more insistent one replaces it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Task, TaskCancelRequested, TaskCancelled, TaskEvent, TaskRejection, TaskStatus};
use crate::Decision;

/// How long a handler that was asked to stop may take before it is ended by force, in
/// milliseconds, unless the request says otherwise.
pub const GRACE_MS: u64 = 10_000;
/// How long a request may let it take at most: one hour, in milliseconds.
pub const GRACE_MAX_MS: u64 = 3_600_000;

/// How a running task is to be stopped.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CancelMode {
    /// Its handler is asked to, and ended by force once its grace is over.
    #[default]
    Cooperative,
    /// Its handler is ended by force at once.
    Forced,
}

impl TaskCancelRequested {
    /// A request that gives the handler the usual time to stop.
    pub const fn because(reason: Option<String>) -> Self {
        Self {
            reason,
            mode: None,
            grace_ms: None,
        }
    }

    /// How long the handler may take to stop, in milliseconds.
    pub fn grace_ms(&self) -> u64 {
        match self.mode.unwrap_or_default() {
            CancelMode::Cooperative => self.grace_ms.unwrap_or(GRACE_MS),
            CancelMode::Forced => 0,
        }
    }
}

impl Task {
    pub(super) fn cancel(&self, request: TaskCancelRequested) -> Decision<Self> {
        if request.grace_ms.is_some_and(|ms| ms > GRACE_MAX_MS) {
            return Err(TaskRejection::Invalid("grace_ms is 3600000 at most"));
        }
        match self.status {
            TaskStatus::Cancelled => Ok(vec![]),
            TaskStatus::Running => {
                let before = self.cancel_requested.as_ref();
                let insists = before.is_none_or(|before| request.grace_ms() < before.grace_ms());
                Ok(insists
                    .then_some(TaskEvent::CancelRequested(request))
                    .into_iter()
                    .collect())
            }
            TaskStatus::Queued | TaskStatus::Retrying | TaskStatus::Scheduled => {
                Ok(vec![TaskEvent::Cancelled(TaskCancelled {
                    forced: false,
                    reason: request.reason,
                })])
            }
            TaskStatus::Dead | TaskStatus::Failed | TaskStatus::Skipped | TaskStatus::Succeeded => {
                Err(TaskRejection::Ended(self.status.name()))
            }
        }
    }

    pub(super) fn confirm_cancel(
        &self,
        attempt: u32,
        forced: bool,
        worker: &str,
    ) -> Decision<Self> {
        if self.status == TaskStatus::Cancelled {
            return Ok(vec![]);
        }
        self.check_runs(attempt, worker)?;
        let reason = self
            .cancel_requested
            .as_ref()
            .and_then(|request| request.reason.clone());
        Ok(vec![TaskEvent::Cancelled(TaskCancelled { forced, reason })])
    }

    /// The end of an attempt that somebody wanted cancelled.
    pub(super) fn requested_cancel(&self) -> Option<TaskEvent> {
        let request = self.cancel_requested.as_ref()?;
        Some(TaskEvent::Cancelled(TaskCancelled {
            forced: false,
            reason: request.reason.clone(),
        }))
    }
}
