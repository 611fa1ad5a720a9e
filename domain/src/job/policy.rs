//! When exactly a job's slots fire, how late they may, and how often at all.
//!
//! Invariant: a slot keeps its identity, the planned instant; what moves is only when it is
//! decided. All of it follows from the job, so any process decides alike.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{JobId, TaskId, Timestamp};

/// The widest window to spread slots over: one day, in milliseconds.
pub const JITTER_MAX_MS: u64 = 24 * 3_600_000;
/// The most missed slots that are fired.
pub const MISFIRE_MAX: u32 = 10_000;
/// The longest that a slot may be late or missed: one year, in milliseconds.
pub const LATE_MAX_MS: u64 = 365 * 24 * 3_600_000;

/// When exactly a job's slots fire, how late they may, and how often at all.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema,
)]
pub struct JobPolicy {
    /// No slot is owed after this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// Each slot fires so much later at most, by a fixed distance of its own: up to one day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86_400_000)]
    pub jitter_ms: Option<u64>,
    /// How often it fires by its schedule, counted from when it first had a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub max_runs: Option<u32>,
    /// How many missed slots `misfire: all` fires at most; the others are skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub misfire_max: Option<u32>,
    /// How long ago a missed slot may have been due to be fired by `misfire`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 31_536_000_000_u64)]
    pub misfire_window_ms: Option<u64>,
    /// A slot that is later than this when its turn comes is skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 31_536_000_000_u64)]
    pub start_deadline_ms: Option<u64>,
}

/// A part of a policy is out of bounds.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field} lies between 1 and {max}")]
pub struct InvalidPolicy {
    /// Which part.
    pub field: &'static str,
    /// What it may be at most.
    pub max: u64,
}

impl JobPolicy {
    /// Whether it says nothing.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses what is out of bounds.
    pub fn check(&self) -> Result<(), InvalidPolicy> {
        let runs = self.max_runs.map(u64::from);
        let misfires = self.misfire_max.map(u64::from);
        for (field, value, max) in [
            ("jitter_ms", self.jitter_ms, JITTER_MAX_MS),
            ("max_runs", runs, u64::from(u32::MAX)),
            ("misfire_max", misfires, u64::from(MISFIRE_MAX)),
            ("misfire_window_ms", self.misfire_window_ms, LATE_MAX_MS),
            ("start_deadline_ms", self.start_deadline_ms, LATE_MAX_MS),
        ] {
            if value.is_some_and(|value| !(1..=max).contains(&value)) {
                return Err(InvalidPolicy { field, max });
            }
        }
        Ok(())
    }

    /// When the slot `slot` of `job` is to fire.
    pub fn due_at(&self, job: JobId, slot: Timestamp) -> Timestamp {
        let Some(window_ms) = self.jitter_ms else {
            return slot;
        };
        // The id of the slot's task is a hash of both already.
        let hash = TaskId::of_slot(job, slot).uuid().as_u128();
        slot.plus_ms((hash % u128::from(window_ms + 1)) as i64)
    }

    /// Whether the slot is owed at all, as far as the end of the job says.
    pub fn has_ended(&self, slot: Timestamp) -> bool {
        self.ends_at.is_some_and(|end| slot > end)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use uuid::Uuid;

    const JOB: JobId = JobId::new(Uuid::from_u128(7));

    #[test]
    fn jitter_is_the_same_everywhere_and_spreads_within_its_window() {
        let policy = JobPolicy {
            jitter_ms: Some(999),
            ..JobPolicy::default()
        };
        let late_ms = |minute: i64| {
            let slot = Timestamp::from_unix_ms(minute * 60_000);
            assert_eq!(policy.due_at(JOB, slot), policy.due_at(JOB, slot));
            policy.due_at(JOB, slot).since_ms(slot)
        };
        let late_ms: Vec<_> = (0..1_000).map(late_ms).collect();
        assert!(late_ms.iter().all(|ms| (0..1_000).contains(ms)));
        let tenths: HashSet<_> = late_ms.iter().map(|ms| ms / 100).collect();
        assert_eq!(tenths.len(), 10, "{late_ms:?}");
        // What was decided by one release must not move with the next.
        assert_eq!(&late_ms[..3], [658, 293, 534]);
    }

    #[test]
    fn without_jitter_a_slot_fires_when_it_is_due() {
        let slot = Timestamp::from_unix_ms(60_000);
        assert_eq!(JobPolicy::default().due_at(JOB, slot), slot);
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_by_name() {
        let wrong = |policy: JobPolicy| policy.check().map_err(|wrong| wrong.field);
        let usual = JobPolicy::default();
        assert_eq!(wrong(usual), Ok(()));
        let jitter_ms = Some(JITTER_MAX_MS + 1);
        assert_eq!(wrong(JobPolicy { jitter_ms, ..usual }), Err("jitter_ms"));
        let max_runs = Some(0);
        assert_eq!(wrong(JobPolicy { max_runs, ..usual }), Err("max_runs"));
        let misfire_max = Some(MISFIRE_MAX + 1);
        let many = JobPolicy {
            misfire_max,
            ..usual
        };
        assert_eq!(wrong(many), Err("misfire_max"));
    }
}
