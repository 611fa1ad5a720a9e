//! How tasks went lately.
//!
//! Invariant: the total is the sum of the hours; a ratio of nothing is no number.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemas::{
    api::{HourlyTasks, Percentiles, RecentTasks, TaskFlow},
    domain::Timestamp,
};

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: f64 = 60_000.0;
/// The current hour and those before it.
const HOURS: i64 = 24;

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct Recent {
    duration_ms: Percentiles,
    hours: BTreeMap<Timestamp, TaskFlow>,
    lateness_ms: Percentiles,
    since: Timestamp,
}

impl Recent {
    /// Nothing is known of the hours before `now`.
    pub(super) fn until(now: Timestamp) -> Self {
        let hour_ms = now.unix_ms().div_euclid(HOUR_MS) * HOUR_MS;
        Self {
            since: Timestamp::from_unix_ms(hour_ms - (HOURS - 1) * HOUR_MS),
            ..Self::default()
        }
    }

    /// The beginning of the first hour.
    pub(super) fn since(&self) -> Timestamp {
        self.since
    }

    /// Nothing from before `since` is counted.
    pub(super) fn begin(&mut self, since: DateTime<Utc>) {
        self.since = Timestamp::from_unix_ms(since.timestamp_millis());
    }

    /// In the hour that begins `at` so many did what `bucket` says.
    pub(super) fn add(&mut self, at: DateTime<Utc>, bucket: &str, count: u64) {
        let at = Timestamp::from_unix_ms(at.timestamp_millis());
        let flow = self.hours.entry(at).or_default();
        match bucket {
            "cancelled" => flow.cancelled += count,
            "created" => flow.created += count,
            "dead" => flow.dead += count,
            "failed" => flow.failed += count,
            "skipped" => flow.skipped += count,
            "succeeded" => flow.succeeded += count,
            _ => {}
        }
    }

    /// One of the percentiles of `model`, or of how many.
    pub(super) fn sample(&mut self, model: &str, bucket: &str, value: u64) {
        let percentiles = match model {
            "lateness_ms" => &mut self.lateness_ms,
            _ => &mut self.duration_ms,
        };
        match bucket {
            "p50" => percentiles.p50 = value,
            "p95" => percentiles.p95 = value,
            "p99" => percentiles.p99 = value,
            _ => percentiles.sampled = value,
        }
    }

    /// All of it, as of `now`.
    pub(super) fn told(self, now: Timestamp) -> RecentTasks {
        let hours: Vec<_> = self
            .hours
            .into_iter()
            .map(|(at, flow)| {
                // A skipped slot came to be and ended at once, and no index knows both.
                let created = flow.created.saturating_sub(flow.skipped);
                let flow = TaskFlow { created, ..flow };
                HourlyTasks { at, flow }
            })
            .collect();
        let total = hours
            .iter()
            .fold(TaskFlow::default(), |total, hour| TaskFlow {
                cancelled: total.cancelled + hour.flow.cancelled,
                created: total.created + hour.flow.created,
                dead: total.dead + hour.flow.dead,
                failed: total.failed + hour.flow.failed,
                skipped: total.skipped + hour.flow.skipped,
                succeeded: total.succeeded + hour.flow.succeeded,
            });
        let decided = total.succeeded + total.failed + total.dead;
        let minutes = now.since_ms(self.since).max(1) as f64 / MINUTE_MS;
        let some = |percentiles: Percentiles| (percentiles.sampled > 0).then_some(percentiles);
        RecentTasks {
            since: self.since,
            total,
            hours,
            success_ratio: (decided > 0).then(|| total.succeeded as f64 / decided as f64),
            ended_per_minute: (decided + total.cancelled) as f64 / minutes,
            duration_ms: some(self.duration_ms),
            lateness_ms: some(self.lateness_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hour_is_whole_and_the_last_is_the_current_one() {
        let now = Timestamp::from_unix_ms(1_800_000_000_000 + 42 * 60_000);
        let mut recent = Recent::until(now);
        assert_eq!(now.since_ms(recent.since()), 23 * HOUR_MS + 42 * 60_000);
        recent.add(now.to_chrono(), "succeeded", 3);
        recent.add(now.to_chrono(), "dead", 1);
        recent.add(now.to_chrono(), "skipped", 5);
        let told = recent.told(now);
        assert_eq!(told.success_ratio, Some(0.75));
        assert!((told.ended_per_minute - 4.0 / 1422.0).abs() < 1e-9);
        assert_eq!(told.hours.len(), 1);
        assert_eq!(told.hours[0].flow, told.total);
    }

    #[test]
    fn of_nothing_there_is_no_ratio() {
        let now = Timestamp::from_unix_ms(1_800_000_000_000);
        let told = Recent::until(now).told(now);
        assert_eq!((told.success_ratio, told.duration_ms), (None, None));
        assert!(told.ended_per_minute.abs() < f64::EPSILON);
    }
}
