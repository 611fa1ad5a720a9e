//! What became of a job's slots, as the API shows it.
//!
//! Invariant: a slot has one outcome, and what else is said of it belongs to that.

use domain::{
    TaskId, Timestamp,
    job::{LedgerSlot, SlotOutcome, SlotReason},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of a slot, in a word.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlotStatus {
    /// It became a task.
    Fired,
    /// It has not been decided.
    Open,
    /// It was given up.
    Skipped,
}

/// A slot that a job owed, and what became of it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct SlotView {
    /// The instant that was planned.
    pub slot: Timestamp,
    /// When it was to fire: that instant and its jitter.
    pub due_at: Timestamp,
    /// What became of it.
    pub status: SlotStatus,
    /// The task that it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// How much later than it was to fire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lateness_ms: Option<i64>,
    /// Why it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<SlotReason>,
    /// When that was decided; absent if it follows from what the job was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
}

impl From<LedgerSlot> for SlotView {
    fn from(found: LedgerSlot) -> Self {
        let blank = |status| Self {
            slot: found.slot,
            due_at: found.due_at,
            status,
            task_id: None,
            lateness_ms: None,
            reason: None,
            decided_at: None,
        };
        match found.outcome {
            SlotOutcome::Fired {
                at,
                lateness_ms,
                task,
            } => Self {
                task_id: Some(task),
                lateness_ms: Some(lateness_ms),
                decided_at: Some(at),
                ..blank(SlotStatus::Fired)
            },
            SlotOutcome::Open => blank(SlotStatus::Open),
            SlotOutcome::Skipped { at, reason } => Self {
                reason: Some(reason),
                decided_at: at,
                ..blank(SlotStatus::Skipped)
            },
        }
    }
}
