//! Whether a job does what it is there for.
//!
//! Invariant: it follows from the job, from the signs of its runs and from the clock alone; a job
//! that is paused, or that owes nothing any more, is neither late nor silent.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Job, JobStatus};
use crate::{JobId, Timestamp, schedule::Calendar};

/// How late a slot may be decided before that is worth an alert, in milliseconds: longer than it
/// takes until another leads, and until that is seen here.
const LATE_MS: i64 = 10_000;
/// How many runs in a row have to fail.
const FAILING: u64 = 3;
/// How many slots in a row have to pass without a run.
const SILENT: usize = 3;

/// What is known of a job's runs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Signs {
    /// How many of the latest runs failed in a row.
    pub failures_in_a_row: u64,
    /// Whether a run has not ended.
    pub is_running: bool,
    /// The latest slot that was decided.
    pub last_decided: Option<Timestamp>,
    /// The latest slot that became a task.
    pub last_fired: Option<Timestamp>,
    /// How often it has fired, if that is counted.
    pub runs: u32,
}

/// What is wrong with a job.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "alert")]
pub enum JobAlert {
    /// Its latest runs failed, three or more in a row.
    Failing {
        /// How many.
        in_a_row: u64,
    },
    /// Nobody has decided a slot that is due.
    Late {
        /// Which.
        slot: Timestamp,
        /// How much later it is by now than it was to fire.
        late_ms: i64,
    },
    /// Its latest slots, three or more in a row, became no task, and no earlier run goes on.
    Silent {
        /// From this slot on.
        since: Timestamp,
    },
}

impl Job {
    /// What is wrong with it at `now`, given the signs of its runs.
    pub fn alerts(&self, id: JobId, signs: &Signs, now: Timestamp) -> Vec<JobAlert> {
        let in_a_row = signs.failures_in_a_row;
        let mut alerts = Vec::new();
        if in_a_row >= FAILING {
            alerts.push(JobAlert::Failing { in_a_row });
        }
        let has_run_out = self.policy.max_runs.is_some_and(|max| signs.runs >= max);
        if self.status != JobStatus::Active || has_run_out {
            return alerts;
        }
        // The schedule of a job that exists can be followed.
        let Ok(calendar) = Calendar::try_new(&self.schedule) else {
            return alerts;
        };
        let overdue_ms = |slot: Timestamp| {
            let late_ms = now.since_ms(self.policy.due_at(id, slot));
            (late_ms > LATE_MS && !self.policy.has_ended(slot)).then_some(late_ms)
        };
        let after = signs.last_decided.max(self.skipped_until);
        let after = after.map_or(self.since, |decided| decided.max(self.since));
        let next = calendar.next_after(after);
        if let Some((slot, late_ms)) = next.and_then(|slot| Some((slot, overdue_ms(slot)?))) {
            alerts.push(JobAlert::Late { slot, late_ms });
        }
        let after = signs
            .last_fired
            .map_or(self.since, |fired| fired.max(self.since));
        let mut missed = calendar.slots_after(after).take(SILENT);
        let (first, last) = (missed.next(), missed.last());
        if let (Some(since), Some(last)) = (first, last)
            && !signs.is_running
            && calendar
                .next_after(since)
                .is_some_and(|second| second < last)
            && overdue_ms(last).is_some()
        {
            alerts.push(JobAlert::Silent { since });
        }
        alerts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Name,
        job::{JobPolicy, Misfire, Overlap},
        schedule::Schedule,
        task::TaskSpec,
        testing::NOW,
    };
    use serde_json::json;
    use uuid::Uuid;

    const ID: JobId = JobId::new(Uuid::from_u128(7));
    const MINUTE_MS: i64 = 60_000;

    fn each_minute() -> Job {
        Job {
            created_at: START,
            misfire: Misfire::Latest,
            name: Name::try_new("job").expect("a name"),
            note: None,
            origin: None,
            overlap: Overlap::Skip,
            policy: JobPolicy::default(),
            schedule: Schedule::Interval { every_ms: 60_000 },
            since: START,
            skipped_until: None,
            status: JobStatus::Active,
            task: TaskSpec::new("echo", json!(null)),
            updated_at: START,
        }
    }

    /// A whole minute.
    const START: Timestamp = Timestamp::from_unix_ms(NOW.unix_ms() / MINUTE_MS * MINUTE_MS);

    fn minute(number: i64) -> Timestamp {
        START.plus_ms(number * MINUTE_MS)
    }

    fn decided(number: i64) -> Signs {
        Signs {
            last_decided: Some(minute(number)),
            last_fired: Some(minute(number)),
            ..Signs::default()
        }
    }

    #[test]
    fn a_slot_that_nobody_decides_makes_it_late_and_three_make_it_silent() {
        let job = each_minute();
        let at = |ms| job.alerts(ID, &decided(1), minute(2).plus_ms(ms));
        assert_eq!(at(10_000), []);
        let late = |late_ms| JobAlert::Late {
            slot: minute(2),
            late_ms,
        };
        assert_eq!(at(10_001), [late(10_001)]);
        let third_ms = 2 * MINUTE_MS + 10_000;
        assert_eq!(at(third_ms), [late(third_ms)]);
        let silent = JobAlert::Silent { since: minute(2) };
        assert_eq!(at(third_ms + 1), [late(third_ms + 1), silent]);
    }

    #[test]
    fn slots_that_are_all_skipped_make_it_silent_unless_a_run_goes_on() {
        let job = each_minute();
        let mut signs = Signs {
            last_decided: Some(minute(4)),
            ..decided(1)
        };
        let now = minute(4).plus_ms(10_001);
        let silent = JobAlert::Silent { since: minute(2) };
        assert_eq!(job.alerts(ID, &signs, now), [silent]);
        signs.is_running = true;
        assert_eq!(job.alerts(ID, &signs, now), []);
    }

    #[test]
    fn what_owes_nothing_is_not_missed() {
        let late = minute(60);
        let alerts = |change: fn(&mut Job)| {
            let mut job = each_minute();
            change(&mut job);
            let signs = Signs {
                runs: 5,
                ..decided(1)
            };
            job.alerts(ID, &signs, late)
        };
        assert_eq!(alerts(|_| ()).len(), 2);
        assert_eq!(alerts(|job| job.status = JobStatus::Paused), []);
        assert_eq!(alerts(|job| job.policy.max_runs = Some(5)), []);
        assert_eq!(alerts(|job| job.policy.ends_at = Some(minute(1))), []);
        assert_eq!(alerts(|job| job.since = minute(60)), []);
        // One slot that was missed is late, and no silence.
        let once = alerts(|job| job.schedule = Schedule::Once { at: minute(2) });
        assert!(matches!(once[..], [JobAlert::Late { .. }]), "{once:?}");
    }

    #[test]
    fn three_failures_in_a_row_are_told_also_of_a_paused_job() {
        let mut job = each_minute();
        job.status = JobStatus::Paused;
        let failed = |in_a_row| {
            let signs = Signs {
                failures_in_a_row: in_a_row,
                ..decided(1)
            };
            job.alerts(ID, &signs, minute(1))
        };
        assert_eq!(failed(2), []);
        assert_eq!(failed(3), [JobAlert::Failing { in_a_row: 3 }]);
    }
}
