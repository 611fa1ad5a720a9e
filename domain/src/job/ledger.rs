//! What became of each slot that a job owed.
//!
//! Invariant: each slot has one outcome: what the log decided of it, or else what follows from the
//! job's own events, or else it is open.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    JobStatus,
    history::{History, Settled, Span},
};
use crate::{JobId, TaskId, Timestamp, schedule::Calendar, task::SkipReason};

/// What the first commit on a slot's subject says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SlotDecision {
    /// It became a task.
    Fired {
        /// When.
        at: Timestamp,
        /// Which run of the job it was, if these are counted.
        run: Option<u32>,
    },
    /// It was given up.
    Skipped {
        /// When.
        at: Timestamp,
        /// Why.
        reason: SkipReason,
    },
}

/// Why a slot did not become a task.
#[derive(
    Clone,
    Copy,
    Debug,
    Eq,
    Hash,
    JsonSchema,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SlotReason {
    /// The job was changed or deleted before anybody had decided it.
    Changed,
    /// Its turn came later than the job's start deadline allows.
    Deadline,
    /// The job had run as often as it may.
    Limit,
    /// Too late: the job's misfire policy gave it up.
    Misfire,
    /// The job's task before this one had not ended.
    Overlap,
    /// The job was paused.
    Paused,
}

/// What became of a slot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SlotOutcome {
    /// A task.
    Fired {
        /// When.
        at: Timestamp,
        /// How much later than it was to fire.
        lateness_ms: i64,
        /// Which one.
        task: TaskId,
    },
    /// Nothing yet.
    Open,
    /// Nothing.
    Skipped {
        /// When that was decided; absent if it follows from what the job was.
        at: Option<Timestamp>,
        /// Why.
        reason: SlotReason,
    },
}

/// A slot that a job owed, and what became of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LedgerSlot {
    /// When it was to fire: the slot and its jitter.
    pub due_at: Timestamp,
    /// What became of it.
    pub outcome: SlotOutcome,
    /// The instant that was planned.
    pub slot: Timestamp,
}

/// What is known of a job and of its slots.
#[derive(Clone, Copy, Debug)]
pub struct Ledger<'a> {
    /// What the log decided, of the period that is asked about.
    pub decisions: &'a BTreeMap<Timestamp, SlotDecision>,
    /// What the job was.
    pub history: &'a History,
    /// Which job it is.
    pub job: JobId,
    /// In which slot the runs were made with whose numbers a job has run as often as it may.
    pub runs: &'a [(u32, Timestamp)],
}

impl From<SkipReason> for SlotReason {
    fn from(reason: SkipReason) -> Self {
        match reason {
            SkipReason::Deadline => Self::Deadline,
            SkipReason::Misfire => Self::Misfire,
            SkipReason::Overlap => Self::Overlap,
        }
    }
}

impl SlotReason {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Deadline => "deadline",
            Self::Limit => "limit",
            Self::Misfire => "misfire",
            Self::Overlap => "overlap",
            Self::Paused => "paused",
        }
    }
}

impl History {
    /// The slots in (`after`, `until`] that the job owed, or would have if it had not been paused:
    /// the first `max` of them, in order.
    pub fn slots(&self, after: Timestamp, until: Timestamp, max: usize) -> Vec<Timestamp> {
        let mut slots = Vec::new();
        for span in &self.spans {
            let after = after.max(span.after);
            let until = span.until.map_or(until, |end| end.min(until));
            if span.job.status == JobStatus::Deleted || after >= until {
                continue;
            }
            let Ok(calendar) = Calendar::try_new(&span.job.schedule) else {
                continue;
            };
            let owed = calendar.slots_after(after);
            let owed = owed.take_while(|slot| *slot <= until && !span.job.policy.has_ended(*slot));
            slots.extend(owed.take(max - slots.len()));
            if slots.len() == max {
                break;
            }
        }
        slots
    }

    /// What the job was when `slot` was due.
    pub fn span_of(&self, slot: Timestamp) -> Option<&Span> {
        let mut spans = self.spans.iter();
        spans.find(|span| span.after < slot && span.until.is_none_or(|until| slot <= until))
    }

    /// How often the job might run, at any time.
    pub fn limits(&self) -> Vec<u32> {
        let limits = self
            .spans
            .iter()
            .filter_map(|span| span.job.policy.max_runs);
        let limits: std::collections::BTreeSet<_> = limits.collect();
        limits.into_iter().collect()
    }
}

impl Ledger<'_> {
    /// What became of `slots`, and of whatever else was decided among them: who fires a slot may
    /// not have heard yet that the job was changed.
    pub fn of(&self, slots: &[Timestamp]) -> Vec<LedgerSlot> {
        let decided = self.decisions.keys().copied();
        let mut all: Vec<_> = slots.iter().copied().chain(decided).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter().map(|slot| self.slot(slot)).collect()
    }

    fn slot(&self, slot: Timestamp) -> LedgerSlot {
        let span = self.history.span_of(slot);
        let due_at = span.map_or(slot, |span| span.job.policy.due_at(self.job, slot));
        let outcome = match self.decisions.get(&slot) {
            Some(SlotDecision::Fired { at, .. }) => SlotOutcome::Fired {
                at: *at,
                lateness_ms: at.since_ms(due_at),
                task: TaskId::of_slot(self.job, slot),
            },
            Some(SlotDecision::Skipped { at, reason }) => SlotOutcome::Skipped {
                at: Some(*at),
                reason: (*reason).into(),
            },
            None => self.undecided(slot, span),
        };
        LedgerSlot {
            due_at,
            outcome,
            slot,
        }
    }

    fn undecided(&self, slot: Timestamp, span: Option<&Span>) -> SlotOutcome {
        let skipped = |reason| SlotOutcome::Skipped { at: None, reason };
        if let Some(run) = self.history.run_of(slot) {
            return skipped(run.reason.into());
        }
        let Some(span) = span else {
            return SlotOutcome::Open;
        };
        if span.job.status == JobStatus::Paused {
            return skipped(SlotReason::Paused);
        }
        let has_run_out = span.job.policy.max_runs.is_some_and(|max| {
            let mut runs = self.runs.iter();
            runs.any(|(run, at)| *run >= max && *at > span.job.created_at && *at < slot)
        });
        match span.settled {
            _ if has_run_out => skipped(SlotReason::Limit),
            Some(Settled::Paused) => skipped(SlotReason::Paused),
            Some(Settled::Changed) => skipped(SlotReason::Changed),
            None => SlotOutcome::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        job::{
            JobCreated, JobEvent, JobPaused, JobPolicy, JobResumed, JobSlotsSkipped, JobUpdated,
            tests::nightly,
        },
        schedule::Schedule,
    };
    use uuid::Uuid;

    const JOB: JobId = JobId::new(Uuid::from_u128(7));

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_ms(second * 1_000)
    }

    /// A job every ten seconds from the beginning on.
    fn created(policy: JobPolicy) -> JobEvent {
        JobEvent::Created(JobCreated {
            schedule: Schedule::Interval { every_ms: 10_000 },
            policy,
            ..nightly()
        })
    }

    fn history(events: &[(i64, JobEvent)]) -> History {
        History::of(
            events
                .iter()
                .cloned()
                .map(|(second, event)| (at(second), event)),
        )
    }

    fn outcomes(
        history: &History,
        decisions: &[(i64, SlotDecision)],
        runs: &[(u32, Timestamp)],
        until: i64,
    ) -> Vec<(i64, &'static str)> {
        let decisions = decisions
            .iter()
            .map(|(second, d)| (at(*second), *d))
            .collect();
        let ledger = Ledger {
            decisions: &decisions,
            history,
            job: JOB,
            runs,
        };
        let slots = history.slots(at(0), at(until), 1_000);
        let named = ledger.of(&slots).into_iter().map(|slot| {
            let outcome = match slot.outcome {
                SlotOutcome::Fired { .. } => "fired",
                SlotOutcome::Open => "open",
                SlotOutcome::Skipped { reason, .. } => reason.name(),
            };
            (slot.slot.unix_ms() / 1_000, outcome)
        });
        named.collect()
    }

    fn fired(second: i64, run: Option<u32>) -> (i64, SlotDecision) {
        let at = at(second).plus_ms(7);
        (second, SlotDecision::Fired { at, run })
    }

    #[test]
    fn every_slot_is_fired_skipped_or_open() {
        let run = JobSlotsSkipped {
            from: at(70),
            until: at(80),
            count: Some(2),
            reason: SkipReason::Misfire,
        };
        let slower = JobUpdated {
            schedule: Some(Schedule::Interval { every_ms: 20_000 }),
            ..JobUpdated::default()
        };
        let history = history(&[
            (0, created(JobPolicy::default())),
            (35, JobEvent::Paused(JobPaused { note: None })),
            (55, JobEvent::Resumed(JobResumed {})),
            (95, JobEvent::SlotsSkipped(run)),
            (105, JobEvent::Updated(slower)),
        ]);
        let overlap = SlotDecision::Skipped {
            at: at(20),
            reason: SkipReason::Overlap,
        };
        let decisions = [
            fired(10, None),
            (20, overlap),
            fired(40, None),
            fired(90, None),
        ];
        let expected = [
            (10, "fired"),
            (20, "overlap"),
            // Nobody had decided it when the job was paused.
            (30, "paused"),
            // Who fired it had not heard of the pause.
            (40, "fired"),
            (50, "paused"),
            (60, "changed"),
            (70, "misfire"),
            (80, "misfire"),
            (90, "fired"),
            (100, "changed"),
            (120, "open"),
            (140, "open"),
        ];
        assert_eq!(outcomes(&history, &decisions, &[], 140), expected);
    }

    #[test]
    fn behind_the_last_run_slots_are_skipped_and_behind_the_end_not_owed() {
        let policy = JobPolicy {
            ends_at: Some(at(50)),
            max_runs: Some(2),
            ..JobPolicy::default()
        };
        let history = history(&[(0, created(policy))]);
        assert_eq!(history.limits(), [2]);
        let decisions = [fired(10, Some(1)), fired(20, Some(2))];
        let expected = [
            (10, "fired"),
            (20, "fired"),
            (30, "limit"),
            (40, "limit"),
            (50, "limit"),
        ];
        assert_eq!(outcomes(&history, &decisions, &[(2, at(20))], 90), expected);
    }

    #[test]
    fn lateness_is_counted_from_when_it_was_to_fire() {
        let policy = JobPolicy {
            jitter_ms: Some(5_000),
            ..JobPolicy::default()
        };
        let history = history(&[(0, created(policy))]);
        let due_at = policy.due_at(JOB, at(10));
        let decision = SlotDecision::Fired {
            at: due_at.plus_ms(3),
            run: None,
        };
        let ledger = Ledger {
            decisions: &BTreeMap::from([(at(10), decision)]),
            history: &history,
            job: JOB,
            runs: &[],
        };
        let slot = ledger.of(&[at(10)])[0];
        let expected = SlotOutcome::Fired {
            at: due_at.plus_ms(3),
            lateness_ms: 3,
            task: TaskId::of_slot(JOB, at(10)),
        };
        assert_eq!((slot.due_at, slot.outcome), (due_at, expected));
    }
}
