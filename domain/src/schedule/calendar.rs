//! A schedule made ready to compute slots.
//!
//! Invariant: [`Calendar::next_after`] returns an instant strictly after its argument, or none.

use chrono::{DateTime, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use croner::{
    Cron, JobType,
    parser::{CronParser, Seconds, Year},
};

use super::{DstGap, DstOverlap, INTERVAL_MAX_MS, INTERVAL_MIN_MS, Schedule, wall};
use crate::Timestamp;

/// A checked schedule.
#[derive(Clone, Debug)]
pub struct Calendar(pub(super) Rule);

#[derive(Clone, Debug)]
pub(super) enum Rule {
    Cron {
        cron: Box<Cron>,
        zone: Tz,
        /// How times on the wall become instants; none if each real occurrence is due.
        named: Option<(DstGap, DstOverlap)>,
    },
    Interval {
        every_ms: i64,
    },
    Once {
        at: Timestamp,
    },
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
                dst_gap,
                dst_overlap,
            } => Self::cron(expression, timezone, *dst_gap, *dst_overlap),
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
            Rule::Cron { cron, zone, named } => {
                let local = zone.from_utc_datetime(&from.to_chrono().naive_utc());
                let next = match named {
                    Some(rules) => {
                        let next = |wall| next_named(cron, wall);
                        wall::next_after(*zone, *rules, from, next)?
                    }
                    None => cron
                        .find_next_occurrence(&local, false)
                        .ok()?
                        .to_utc()
                        .into(),
                };
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

    /// How many slots lie in (`after`, `until`]; none if more than `max` would have to be looked
    /// at to say that.
    pub fn count(&self, after: Timestamp, until: Timestamp, max: u64) -> Option<u64> {
        if let Rule::Interval { every_ms } = &self.0 {
            let periods = |at: Timestamp| at.unix_ms().div_euclid(*every_ms);
            return Some((periods(until) - periods(after)).max(0) as u64);
        }
        let slots = self.slots_after(after).take_while(|slot| *slot <= until);
        let found = slots.take(max as usize + 1).count() as u64;
        (found <= max).then_some(found)
    }

    fn cron(
        expression: &str,
        timezone: &str,
        gap: Option<DstGap>,
        overlap: Option<DstOverlap>,
    ) -> Result<Self, InvalidSchedule> {
        let zone: Tz = timezone
            .parse()
            .map_err(|_| InvalidSchedule::TimeZone(timezone.to_owned()))?;
        // The one nickname of crontab that the parser does not know.
        let is_midnight = expression.trim().eq_ignore_ascii_case("@midnight");
        let cron = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .build()
            .parse(if is_midnight { "@daily" } else { expression })
            .map_err(|reason| InvalidSchedule::Cron(reason.to_string()))?;
        let calendar = Self(Rule::Cron {
            named: named(&cron, gap, overlap),
            cron: Box::new(cron),
            zone,
        });
        match calendar.next_after(Timestamp::default()) {
            Some(_) => Ok(calendar),
            None => Err(InvalidSchedule::Never),
        }
    }
}

/// How the times of `cron` become instants, if it names times at all.
fn named(
    cron: &Cron,
    gap: Option<DstGap>,
    overlap: Option<DstOverlap>,
) -> Option<(DstGap, DstOverlap)> {
    if cron.determine_job_type() == JobType::FixedTime {
        let gap = gap.unwrap_or(DstGap::After);
        return Some((gap, overlap.unwrap_or(DstOverlap::First)));
    }
    let pattern = &cron.pattern;
    let mut fields = [&pattern.seconds, &pattern.minutes, &pattern.hours].into_iter();
    let names = fields.all(|field| field.step == 1 && !field.from_wildcard);
    let is_told = gap.is_some() || overlap.is_some();
    (names && is_told).then(|| {
        let gap = gap.unwrap_or(DstGap::Skip);
        (gap, overlap.unwrap_or(DstOverlap::Both))
    })
}

/// The next time on the wall that `cron` names, as if no clock were ever set.
fn next_named(cron: &Cron, wall: NaiveDateTime) -> Option<NaiveDateTime> {
    let next = cron.find_next_occurrence(&wall.and_utc(), false).ok()?;
    Some(DateTime::<Utc>::naive_utc(&next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(expression: &str, timezone: &str) -> Calendar {
        Calendar::try_new(&Schedule::cron(expression, timezone)).expect("a valid schedule")
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

    #[track_caller]
    fn told(gap: Option<DstGap>, overlap: Option<DstOverlap>, from: &str, slots: &[&str]) {
        let schedule = Schedule::Cron {
            expression: "30 2,12 * * *".into(),
            timezone: "Europe/Berlin".into(),
            dst_gap: gap,
            dst_overlap: overlap,
        };
        check(&Calendar::try_new(&schedule).expect("valid"), from, slots);
    }

    #[test]
    fn the_rules_for_daylight_saving_also_hold_for_lists_if_they_are_told() {
        let (spring, noon) = ("2026-03-28T12:00:00Z", "2026-03-29T10:30:00.000Z");
        told(None, None, spring, &[noon]);
        told(Some(DstGap::Skip), None, spring, &[noon]);
        let after = "2026-03-29T01:00:00.000Z";
        told(Some(DstGap::After), None, spring, &[after, noon]);
        let autumn = "2026-10-24T12:00:00Z";
        let (one, two) = ("2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z");
        told(None, None, autumn, &[one, two]);
        told(None, Some(DstOverlap::Both), autumn, &[one, two]);
        let noon = "2026-10-25T11:30:00.000Z";
        told(None, Some(DstOverlap::First), autumn, &[one, noon]);
        told(None, Some(DstOverlap::Second), autumn, &[two, noon]);
    }

    #[test]
    fn a_gap_up_to_midnight_moves_the_time_into_the_next_day() {
        // Nuuk's neighbour puts its clocks forward from 23:00 to 24:00, a Saturday.
        check(
            &cron("30 23 * * 6", "America/Scoresbysund"),
            "2026-03-28T12:00:00Z",
            &["2026-03-29T01:00:00.000Z", "2026-04-05T00:30:00.000Z"],
        );
    }

    #[test]
    fn words_for_patterns_and_days_of_the_month_are_understood() {
        let from = "2026-01-10T12:00:00Z";
        for (expression, slot) in [
            ("@yearly", "2027-01-01T00:00:00.000Z"),
            ("@annually", "2027-01-01T00:00:00.000Z"),
            ("@monthly", "2026-02-01T00:00:00.000Z"),
            ("@weekly", "2026-01-11T00:00:00.000Z"),
            ("@daily", "2026-01-11T00:00:00.000Z"),
            ("@midnight", "2026-01-11T00:00:00.000Z"),
            ("@hourly", "2026-01-10T13:00:00.000Z"),
            ("0 0 L * *", "2026-01-31T00:00:00.000Z"),
            ("0 0 L feb *", "2026-02-28T00:00:00.000Z"),
            ("0 0 * * fri#2", "2026-02-13T00:00:00.000Z"),
            ("0 0 * * 5L", "2026-01-30T00:00:00.000Z"),
            ("0 0 15W * *", "2026-01-15T00:00:00.000Z"),
            ("0 9-17/4 * * mon-fri", "2026-01-12T09:00:00.000Z"),
            ("30 0 12 * * *", "2026-01-10T12:00:30.000Z"),
            ("*/20 * * * * *", "2026-01-10T12:00:20.000Z"),
        ] {
            check(&cron(expression, "UTC"), from, &[slot]);
        }
    }

    #[test]
    fn slots_are_counted_without_looking_at_each_where_that_can_be() {
        let at = Timestamp::from_unix_ms;
        let every = Calendar::try_new(&Schedule::Interval { every_ms: 100 }).expect("valid");
        assert_eq!(
            every.count(at(0), at(100_000_000_000), 1),
            Some(1_000_000_000)
        );
        assert_eq!(every.count(at(100), at(100), 1), Some(0));
        let hourly = cron("@hourly", "UTC");
        assert_eq!(hourly.count(at(0), at(24 * 3_600_000), 24), Some(24));
        assert_eq!(hourly.count(at(0), at(24 * 3_600_000), 23), None);
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
            Calendar::try_new(&Schedule::cron(expression, timezone)).expect_err("refused")
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
