//! The states of things, in words and in tones.
//!
//! Invariant: every state has a word of its own; a tone only underlines it and may be shared.

use schemas::{
    api::SlotStatus,
    domain::{
        job::{JobAlert, JobStatus, Misfire, Overlap, SlotReason},
        schedule::Oddity,
        task::TaskStatus,
    },
};

/// What a state means to whoever looks: the stylesheet gives each a colour.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tone {
    /// Went wrong.
    Bad,
    /// Happens at this moment.
    Busy,
    /// Over, neither good nor bad.
    Calm,
    /// Went well.
    Good,
    /// Will happen at a known time.
    Soon,
    /// Waits, or is about to be tried again.
    Wait,
}

impl Tone {
    /// The name by which the stylesheet knows it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Busy => "busy",
            Self::Calm => "calm",
            Self::Good => "good",
            Self::Soon => "soon",
            Self::Wait => "wait",
        }
    }
}

/// A task's state in a word.
pub const fn task_label(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Cancelled => "Cancelled",
        TaskStatus::Dead => "Dead",
        TaskStatus::Failed => "Failed",
        TaskStatus::Queued => "Queued",
        TaskStatus::Retrying => "Retrying",
        TaskStatus::Running => "Running",
        TaskStatus::Scheduled => "Scheduled",
        TaskStatus::Skipped => "Skipped",
        TaskStatus::Succeeded => "Succeeded",
    }
}

/// What a task's state means.
pub const fn task_tone(status: TaskStatus) -> Tone {
    match status {
        TaskStatus::Cancelled | TaskStatus::Skipped => Tone::Calm,
        TaskStatus::Dead | TaskStatus::Failed => Tone::Bad,
        TaskStatus::Queued | TaskStatus::Retrying => Tone::Wait,
        TaskStatus::Running => Tone::Busy,
        TaskStatus::Scheduled => Tone::Soon,
        TaskStatus::Succeeded => Tone::Good,
    }
}

/// A job's state in a word.
pub const fn job_label(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Active => "Active",
        JobStatus::Deleted => "Deleted",
        JobStatus::Paused => "Paused",
    }
}

/// What a job's state means.
pub const fn job_tone(status: JobStatus) -> Tone {
    match status {
        JobStatus::Active => Tone::Good,
        JobStatus::Deleted => Tone::Calm,
        JobStatus::Paused => Tone::Wait,
    }
}

/// What happens when a job's tasks would overlap.
pub const fn overlap_label(overlap: Overlap) -> &'static str {
    match overlap {
        Overlap::Allow => "Run both",
        Overlap::CancelPrevious => "Stop the one before, then run the new one",
        Overlap::QueueAll => "Run one after the other",
        Overlap::QueueOne => "Let one wait, and skip more",
        Overlap::Skip => "Skip the new one",
        Overlap::TerminatePrevious => "End the one before by force, then run the new one",
    }
}

/// What is odd about a slot, since clocks are set around it.
pub const fn oddity_label(oddity: Oddity) -> &'static str {
    match oddity {
        Oddity::AfterGap => "moved: the clocks leave its time out",
        Oddity::FirstOfOverlap => "the first time of two that the clocks show this",
        Oddity::SecondOfOverlap => "the second time of two that the clocks show this",
    }
}

/// What became of a slot, in a word.
pub const fn slot_label(status: SlotStatus) -> &'static str {
    match status {
        SlotStatus::Fired => "Fired",
        SlotStatus::Open => "Open",
        SlotStatus::Skipped => "Skipped",
    }
}

/// Why a slot became no task.
pub const fn reason_label(reason: SlotReason) -> &'static str {
    match reason {
        SlotReason::Changed => "the job was changed before it was decided",
        SlotReason::Deadline => "its turn came after the start deadline",
        SlotReason::Limit => "the job had run as often as it may",
        SlotReason::Misfire => "missed, and given up by the job's policy",
        SlotReason::Overlap => "the task before it had not ended",
        SlotReason::Paused => "the job was paused",
    }
}

/// What is wrong with a job, in a word or two.
pub const fn alert_title(alert: &JobAlert) -> &'static str {
    match alert {
        JobAlert::Failing { .. } => "Failing",
        JobAlert::Late { .. } => "Late",
        JobAlert::Silent { .. } => "Silent",
    }
}

/// What happens to slots that were missed.
pub const fn misfire_label(misfire: Misfire) -> &'static str {
    match misfire {
        Misfire::All => "Fire each, up to a limit",
        Misfire::Latest => "Fire the latest, skip the others",
        Misfire::Skip => "Skip them all",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_states_share_a_word() {
        let words: BTreeSet<_> = TaskStatus::ALL.map(task_label).into_iter().collect();
        assert_eq!(words.len(), TaskStatus::ALL.len());
    }

    #[test]
    fn a_task_that_ended_is_neither_busy_nor_waiting() {
        for status in TaskStatus::ALL {
            let over = matches!(task_tone(status), Tone::Bad | Tone::Calm | Tone::Good);
            assert_eq!(over, status.is_final(), "{status:?}");
        }
    }
}
