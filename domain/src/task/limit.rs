//! How long a task may wait, and how long all of it may take.
//!
//! An attempt's own limits, its timeout and its silence, are kept by the worker that makes it;
//! these two are kept by whoever holds the timer.
//!
//! Invariant: nothing times out before its deadline, and what ended so can be put back by hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Task, TaskError, TaskEvent, TaskRejection, TaskStatus, TaskTimedOut};
use crate::{Decision, Timestamp};

/// Which limit a task has exceeded.
#[derive(Clone, Copy, Debug, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// From its creation, or from when it was put back by hand, to its end.
    Total,
    /// From when an attempt could be made to when one was.
    Waiting,
}

impl Limit {
    /// The error of a task that has exceeded it.
    pub(super) fn error(self) -> TaskError {
        let (code, message) = match self {
            Self::Total => (
                "total_timeout",
                "the task took longer than its total timeout",
            ),
            Self::Waiting => ("queue_timeout", "no worker took the task in time"),
        };
        TaskError {
            code: code.to_owned(),
            message: message.to_owned(),
            retryable: false,
            retry_after_ms: None,
        }
    }
}

impl Task {
    /// Since when it waits for a worker, or will.
    pub fn waits_since(&self) -> Option<Timestamp> {
        match self.status {
            // Nothing happens to a task in the queue without leaving it or entering it anew.
            TaskStatus::Queued => Some(self.updated_at),
            TaskStatus::Retrying | TaskStatus::Scheduled => self.due_at,
            _ => None,
        }
    }

    /// When it will have exceeded `limit`, if it has one and goes on as it is.
    pub fn deadline(&self, limit: Limit) -> Option<Timestamp> {
        if self.status.is_final() {
            return None;
        }
        let (from, lasts_ms) = match limit {
            Limit::Total => (
                self.requeued_at.unwrap_or(self.created_at),
                self.spec.total_timeout_ms?,
            ),
            Limit::Waiting => (self.waits_since()?, self.spec.queue_timeout_ms?),
        };
        Some(from.plus_ms(lasts_ms as i64))
    }

    /// The limit that it will exceed first, and when.
    pub fn next_deadline(&self) -> Option<(Limit, Timestamp)> {
        let of = |limit| self.deadline(limit).map(|at| (limit, at));
        let both = of(Limit::Total).into_iter().chain(of(Limit::Waiting));
        both.min_by_key(|(_, at)| *at)
    }

    pub(super) fn time_out(&self, limit: Limit, now: Timestamp) -> Decision<Self> {
        if self.status.is_final() {
            return Err(TaskRejection::Ended(self.status.name()));
        }
        match self.deadline(limit) {
            None => Ok(vec![]),
            Some(deadline) if deadline > now => Err(TaskRejection::NotDue(deadline)),
            Some(_) => {
                // What was to be cancelled ends so, whatever else would end it.
                let end = self
                    .requested_cancel()
                    .unwrap_or(TaskEvent::TimedOut(TaskTimedOut { limit }));
                Ok(vec![end])
            }
        }
    }
}
