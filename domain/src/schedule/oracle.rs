//! Slots of cron found the slow way, and held against the calendar's.
//!
//! Invariant: no parser and no search is used here. Each minute of real time is looked at, on the
//! clock on the wall, so that what both ways find has two reasons to be right.

use std::collections::HashSet;

use chrono::{Datelike, NaiveDateTime, TimeDelta, TimeZone, Timelike};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::{Calendar, Schedule};
use crate::Timestamp;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// How much of a calendar is looked at.
const WINDOW_MS: i64 = 6 * DAY_MS;

/// What a field allows.
#[derive(Clone, Copy, Debug)]
enum Field {
    At(u32),
    Every(u32),
}

#[derive(Clone, Copy, Debug)]
struct Pattern {
    minute: Field,
    hour: Field,
    /// Days from Sunday; any day if absent.
    weekday: Option<u32>,
}

impl Field {
    fn text(self) -> String {
        match self {
            Self::At(value) => value.to_string(),
            Self::Every(step) => format!("*/{step}"),
        }
    }

    fn allows(self, value: u32) -> bool {
        match self {
            Self::At(wanted) => value == wanted,
            Self::Every(step) => value.is_multiple_of(step),
        }
    }
}

impl Pattern {
    /// What the calendar finds after `from` and up to `until`.
    fn found(self, zone: Tz, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
        let weekday = self.weekday.map_or("*".to_owned(), |day| day.to_string());
        let schedule = Schedule::Cron {
            expression: format!("{} {} * * {weekday}", self.minute.text(), self.hour.text()),
            timezone: zone.name().to_owned(),
        };
        let calendar = Calendar::try_new(&schedule).expect("a valid schedule");
        let slots = calendar.slots_after(from);
        slots.take_while(|slot| *slot <= until).collect()
    }

    fn is_fixed(self) -> bool {
        matches!((self.minute, self.hour), (Field::At(_), Field::At(_)))
    }

    fn allows(self, wall: NaiveDateTime) -> bool {
        let day = wall.weekday().num_days_from_sunday();
        self.minute.allows(wall.minute())
            && self.hour.allows(wall.hour())
            && self.weekday.is_none_or(|wanted| wanted == day)
    }

    /// Every slot after `from` and up to `until`.
    fn slots(self, zone: Tz, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
        // Whether a wall time is a repetition shows only to who saw the day before.
        let start = from.unix_ms().div_euclid(MINUTE_MS) * MINUTE_MS - DAY_MS;
        let mut seen = HashSet::new();
        let mut last: Option<NaiveDateTime> = None;
        let mut slots = Vec::new();
        for at in (start..=until.unix_ms()).step_by(MINUTE_MS as usize) {
            let at = Timestamp::from_unix_ms(at);
            let wall = wall(zone, at);
            let first = seen.insert(wall);
            let due = if self.is_fixed() {
                let minute = TimeDelta::minutes(1);
                let next = last.map_or(wall, |last| last + minute);
                let skipped = std::iter::successors(Some(next), |time| Some(*time + minute));
                let mut skipped = skipped.take_while(|time| *time < wall);
                (first && self.allows(wall)) || skipped.any(|time| self.allows(time))
            } else {
                self.allows(wall)
            };
            if due && at > from {
                slots.push(at);
            }
            last = Some(wall);
        }
        slots
    }
}

fn wall(zone: Tz, at: Timestamp) -> NaiveDateTime {
    zone.from_utc_datetime(&at.to_chrono().naive_utc())
        .naive_local()
}

/// The hour in which the clock on the wall is next set, or `from` if it is not within a year.
fn next_change(zone: Tz, from: Timestamp) -> Timestamp {
    let offset = |at: Timestamp| wall(zone, at) - at.to_chrono().naive_utc();
    let hours = (0..366 * 24).map(|hour| from.plus_ms(hour * HOUR_MS));
    let changed = hours.into_iter().find(|at| offset(*at) != offset(from));
    changed.unwrap_or(from)
}

fn field(values: std::ops::Range<u32>, steps: &'static [u32]) -> impl Strategy<Value = Field> {
    prop_oneof![
        3 => values.prop_map(Field::At),
        1 => prop::sample::select(steps).prop_map(Field::Every),
    ]
}

/// Mostly the hours in which clocks are set.
fn hour() -> impl Strategy<Value = Field> {
    prop_oneof![
        3 => field(0..4, &[1, 2, 5]),
        1 => field(0..24, &[1, 7]),
    ]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let minute = field(0..60, &[1, 7, 15, 30]);
    let weekday = prop::option::weighted(0.3, 0_u32..7);
    (minute, hour(), weekday).prop_map(|(minute, hour, weekday)| Pattern {
        minute,
        hour,
        weekday,
    })
}

fn zone() -> impl Strategy<Value = Tz> {
    prop::sample::select(vec![
        chrono_tz::Africa::Cairo,
        chrono_tz::Africa::Casablanca,
        chrono_tz::America::New_York,
        chrono_tz::America::Santiago,
        chrono_tz::Asia::Kathmandu,
        chrono_tz::Australia::Lord_Howe,
        chrono_tz::Europe::London,
        chrono_tz::Pacific::Apia,
        chrono_tz::UTC,
    ])
}

proptest! {
    #[test]
    fn the_calendar_finds_what_looking_at_every_minute_finds(
        pattern in pattern(), zone in zone(),
        somewhen in 1_700_000_000_000_i64..2_100_000_000_000,
        before in 0..4 * DAY_MS,
    ) {
        let from = next_change(zone, Timestamp::from_unix_ms(somewhen)).plus_ms(-before);
        let until = from.plus_ms(WINDOW_MS);
        let (found, due) = (pattern.found(zone, from, until), pattern.slots(zone, from, until));
        let apart = due.iter().zip(&found).find(|(due, found)| due != found);
        prop_assert_eq!(apart, None, "due and found, {} after {}", zone, from);
        prop_assert_eq!(found.len(), due.len(), "{} after {}", zone, from);
    }
}
