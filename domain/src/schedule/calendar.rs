//! A schedule made ready to compute slots.
//!
//! Invariant: [`Calendar::next_after`] returns an instant strictly after its argument, or none.

use chrono::TimeZone;
use chrono_tz::Tz;
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};

use super::{INTERVAL_MAX_MS, INTERVAL_MIN_MS, Schedule};
use crate::Timestamp;

/// A checked schedule.
#[derive(Clone, Debug)]
pub struct Calendar(Rule);

#[derive(Clone, Debug)]
enum Rule {
    Cron { cron: Box<Cron>, zone: Tz },
    Interval { every_ms: i64 },
    Once { at: Timestamp },
}

/// Why a schedule cannot be followed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidSchedule {
    /// The cron expression does not parse.
    #[error("invalid cron expression: {0}")]
    Cron(String),
    /// The interval is out of bounds.
    #[error("an interval lies between {INTERVAL_MIN_MS} ms and {INTERVAL_MAX_MS} ms")]
    Interval,
    /// The cron expression is valid and matches no instant, such as the 30th of February.
    #[error("the cron expression never comes due")]
    Never,
    /// No such zone in the tz database.
    #[error("unknown IANA time zone {0:?}")]
    TimeZone(String),
}

impl Calendar {
    /// Checks `schedule`.
    pub fn try_new(schedule: &Schedule) -> Result<Self, InvalidSchedule> {
        match schedule {
            Schedule::Cron {
                expression,
                timezone,
            } => Self::cron(expression, timezone),
            Schedule::Interval { every_ms } => {
                if (INTERVAL_MIN_MS..=INTERVAL_MAX_MS).contains(every_ms) {
                    Ok(Self(Rule::Interval {
                        every_ms: *every_ms as i64,
                    }))
                } else {
                    Err(InvalidSchedule::Interval)
                }
            }
            Schedule::Once { at } => Ok(Self(Rule::Once { at: *at })),
        }
    }

    /// The first slot strictly after `from`.
    pub fn next_after(&self, from: Timestamp) -> Option<Timestamp> {
        match &self.0 {
            Rule::Cron { cron, zone } => {
                let local = zone.from_utc_datetime(&from.to_chrono().naive_utc());
                let next = cron.find_next_occurrence(&local, false).ok()?;
                let next = Timestamp::from(next.to_utc());
                (next > from).then_some(next)
            }
            Rule::Interval { every_ms } => {
                let periods = from.unix_ms().div_euclid(*every_ms).checked_add(1)?;
                periods.checked_mul(*every_ms).map(Timestamp::from_unix_ms)
            }
            Rule::Once { at } => (*at > from).then_some(*at),
        }
    }

    /// The slots strictly after `from`, in order, without end unless the schedule has one.
    pub fn slots_after(&self, from: Timestamp) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next_after(from), |slot| self.next_after(*slot))
    }

    fn cron(expression: &str, timezone: &str) -> Result<Self, InvalidSchedule> {
        let zone: Tz = timezone
            .parse()
            .map_err(|_| InvalidSchedule::TimeZone(timezone.to_owned()))?;
        let cron = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .build()
            .parse(expression)
            .map_err(|reason| InvalidSchedule::Cron(reason.to_string()))?;
        let calendar = Self(Rule::Cron {
            cron: Box::new(cron),
            zone,
        });
        match calendar.next_after(Timestamp::default()) {
            Some(_) => Ok(calendar),
            None => Err(InvalidSchedule::Never),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(expression: &str, timezone: &str) -> Calendar {
        let schedule = Schedule::Cron {
            expression: expression.into(),
            timezone: timezone.into(),
        };
        Calendar::try_new(&schedule).expect("a valid schedule")
    }

    #[track_caller]
    fn check(calendar: &Calendar, from: &str, slots: &[&str]) {
        let from = from.parse().expect("an instant");
        let found: Vec<_> = calendar
            .slots_after(from)
            .take(slots.len())
            .map(|slot| slot.to_string())
            .collect();
        assert_eq!(found, slots);
    }

    #[test]
    fn a_day_in_the_zone_not_in_utc() {
        check(
            &cron("30 2 * * *", "Asia/Tokyo"),
            "2026-01-01T00:00:00Z",
            &["2026-01-01T17:30:00.000Z", "2026-01-02T17:30:00.000Z"],
        );
    }

    #[test]
    fn the_spring_gap_fires_once_right_after_it() {
        check(
            &cron("30 2 * * *", "Europe/Berlin"),
            "2026-03-28T12:00:00Z",
            &["2026-03-29T01:00:00.000Z", "2026-03-30T00:30:00.000Z"],
        );
    }

    #[test]
    fn the_autumn_overlap_fires_once_for_fixed_times_and_each_hour_for_wildcards() {
        check(
            &cron("30 2 * * *", "Europe/Berlin"),
            "2026-10-24T12:00:00Z",
            &["2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"],
        );
        check(
            &cron("30 * * * *", "Europe/Berlin"),
            "2026-10-25T00:00:00Z",
            &["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"],
        );
    }

    #[test]
    fn either_day_field_suffices() {
        check(
            &cron("0 0 13 * 5", "UTC"),
            "2026-11-05T00:00:00Z",
            &["2026-11-06T00:00:00.000Z", "2026-11-13T00:00:00.000Z"],
        );
    }

    #[test]
    fn intervals_count_from_the_epoch_and_once_is_once() {
        let every = Calendar::try_new(&Schedule::Interval { every_ms: 1_000 }).expect("valid");
        check(
            &every,
            "1970-01-01T00:00:00.999Z",
            &["1970-01-01T00:00:01.000Z"],
        );
        let at = Timestamp::from_unix_ms(5);
        let once = Calendar::try_new(&Schedule::Once { at }).expect("valid");
        assert_eq!(once.next_after(Timestamp::from_unix_ms(4)), Some(at));
        assert_eq!(once.next_after(at), None);
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        let cron = |expression: &str, timezone: &str| {
            Calendar::try_new(&Schedule::Cron {
                expression: expression.into(),
                timezone: timezone.into(),
            })
            .expect_err("refused")
        };
        assert!(matches!(
            cron("61 * * * *", "UTC"),
            InvalidSchedule::Cron(_)
        ));
        assert!(matches!(cron("* * *", "UTC"), InvalidSchedule::Cron(_)));
        assert_eq!(
            cron("* * * * *", "Mars/Base"),
            InvalidSchedule::TimeZone("Mars/Base".into())
        );
        assert_eq!(cron("0 0 30 2 *", "UTC"), InvalidSchedule::Never);
        assert!(Calendar::try_new(&Schedule::Interval { every_ms: 1 }).is_err());
    }
}
