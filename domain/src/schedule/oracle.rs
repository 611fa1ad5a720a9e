//! Slots found the slow way, held against the calendar's.
//!
//! Invariant: what is compared was found by a search and by looking at every minute, which share
//! neither a parser nor a line.

use std::collections::HashSet;

use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::prelude::*;

use super::{Calendar, DstGap, DstOverlap, Scan, Schedule, wall};
use crate::Timestamp;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// 2024-01-01T00:00:00Z.
const FIRST: Timestamp = Timestamp::from_unix_ms(1_704_067_200_000);
/// From the first day of 2024 to the last of 2037.
const DAYS: i64 = 5_114;
/// In which environment variable `whole` asks for every change of every zone's clocks.
const HOW_MUCH: &str = "ALMANAC_ORACLE";
/// Of how many changes one is looked at otherwise, beside all of the odd zones.
const ONE_OF: usize = 20;
/// Clocks set by half an hour or by two, at midnight, up to midnight, for a month, in any weekday.
const ODD: [Tz; 10] = [
    Tz::Africa__Cairo,
    Tz::Africa__Casablanca,
    Tz::America__Asuncion,
    Tz::America__Havana,
    Tz::America__Nuuk,
    Tz::America__Santiago,
    Tz::America__Scoresbysund,
    Tz::Antarctica__Troll,
    Tz::Asia__Gaza,
    Tz::Australia__Lord_Howe,
];
/// Daily, hourly, in steps, at fixed times and in lists of these.
const PATTERNS: [&str; 14] = [
    "@daily",
    "0 3 * * *",
    "30 0 * * *",
    "30 1 * * *",
    "15 2 * * *",
    "30 23 * * *",
    "45 1 * * 0",
    "0 0,1,2,3 * * *",
    "30 0-3,23 * * *",
    "@hourly",
    "30 */2 * * *",
    "*/15 * * * *",
    "*/7 0-4 * * *",
    "0 * 1-7 * 0",
];

fn cron(expression: &str, zone: Tz, gap: Option<DstGap>, overlap: Option<DstOverlap>) -> Schedule {
    Schedule::Cron {
        expression: expression.to_owned(),
        timezone: zone.name().to_owned(),
        dst_gap: gap,
        dst_overlap: overlap,
    }
}

/// Both ways from `from` to `until`: the first slot in which they differ, if they do.
fn difference(schedule: &Schedule, from: Timestamp, until: Timestamp) -> Result<(), String> {
    let calendar = Calendar::try_new(schedule).map_err(|reason| reason.to_string())?;
    let scan = Scan::try_new(schedule).map_err(|reason| reason.to_string())?;
    let slots = calendar.slots_after(from);
    let found: Vec<_> = slots.take_while(|slot| *slot <= until).collect();
    let due = scan.slots(from, until);
    let apart = (0..due.len().max(found.len()))
        .map(|index| (due.get(index), found.get(index)))
        .find(|(due, found)| due != found);
    match apart {
        None => Ok(()),
        Some((due, found)) => Err(format!(
            "{schedule:?} from {from}: due {due:?}, found {found:?}",
        )),
    }
}

/// The days on which the clocks of `zone` are set.
fn changes(zone: Tz) -> Vec<Timestamp> {
    let offset = |at: Timestamp| wall::of(zone, at) - at.to_chrono().naive_utc();
    let days = (0..DAYS).map(|day| FIRST.plus_ms(day * DAY_MS));
    days.filter(|day| offset(*day) != offset(day.plus_ms(DAY_MS)))
        .collect()
}

/// Every zone whose clocks are set, once for each set of rules.
fn zones() -> Vec<(Tz, Vec<Timestamp>)> {
    let mut seen = HashSet::new();
    let zones = ODD.into_iter().chain(TZ_VARIANTS);
    let zones = zones.map(|zone| (zone, changes(zone)));
    let distinct = zones.filter(|(zone, changes)| {
        let walls: Vec<_> = changes.iter().map(|at| wall::of(*zone, *at)).collect();
        let after = changes.iter().map(|at| wall::of(*zone, at.plus_ms(DAY_MS)));
        !changes.is_empty() && seen.insert((walls, after.collect::<Vec<_>>()))
    });
    distinct.collect()
}

#[test]
fn in_every_zone_the_calendar_finds_what_looking_at_every_minute_finds() {
    let whole = std::env::var(HOW_MUCH).is_ok_and(|how| how == "whole");
    let zones = zones();
    assert!(zones.len() > 25, "{}", zones.len());
    let mut looked_at = 0;
    let mut number = 0;
    for (zone, changes) in zones {
        let is_odd = ODD.contains(&zone);
        for (index, change) in changes.into_iter().enumerate() {
            number += 1;
            if !(whole || is_odd && index < 2 || usize::is_multiple_of(number, ONE_OF)) {
                continue;
            }
            looked_at += 1;
            let (from, until) = (change.plus_ms(-DAY_MS), change.plus_ms(2 * DAY_MS));
            for expression in PATTERNS {
                let rules = [
                    (None, None),
                    (Some(DstGap::Skip), Some(DstOverlap::Second)),
                    (Some(DstGap::After), Some(DstOverlap::Both)),
                ];
                for (gap, overlap) in rules {
                    let schedule = cron(expression, zone, gap, overlap);
                    difference(&schedule, from, until).expect("no difference");
                }
            }
        }
    }
    println!("{looked_at} changes of clocks were looked at");
    assert!(looked_at > 40, "{looked_at}");
}

/// A field of a pattern: one value, several, a range, or steps.
fn field(values: std::ops::Range<u32>, steps: &'static [u32]) -> impl Strategy<Value = String> {
    let value = values.clone();
    let list = prop::collection::vec(values.clone(), 2..4);
    let range = (values.clone(), values);
    prop_oneof![
        4 => value.prop_map(|value| value.to_string()),
        1 => list.prop_map(|list| {
            let list: Vec<_> = list.iter().map(u32::to_string).collect();
            list.join(",")
        }),
        1 => range.prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        1 => prop::sample::select(steps).prop_map(|step| format!("*/{step}")),
        1 => Just("*".to_owned()),
    ]
}

/// Mostly the hours in which clocks are set, and every kind of day.
fn pattern() -> impl Strategy<Value = String> {
    let second = prop::option::weighted(0.2, field(0..60, &[20, 30]));
    let minute = field(0..60, &[1, 7, 15, 30]);
    let hour = prop_oneof![3 => field(0..4, &[1, 2, 5]), 1 => field(0..24, &[1, 7])];
    let days = vec!["*", "*", "*", "L", "LW", "15W", "1W", "1-7", "*/3", "25,L"];
    let month = prop::sample::select(vec!["*", "*", "mar-apr", "SEP-NOV", "*/2"]);
    let weekdays = vec![
        "*", "*", "*", "0", "7", "sun", "fri-sun", "1-5", "6#1", "0L", "sun#2",
    ];
    let days = (prop::sample::select(days), prop::sample::select(weekdays));
    (second, minute, hour, days, month).prop_map(|(second, minute, hour, days, month)| {
        let (day, weekday) = days;
        let second = second.map_or(String::new(), |second| format!("{second} "));
        format!("{second}{minute} {hour} {day} {month} {weekday}")
    })
}

fn gap() -> impl Strategy<Value = Option<DstGap>> {
    prop::sample::select(vec![None, Some(DstGap::After), Some(DstGap::Skip)])
}

fn overlap() -> impl Strategy<Value = Option<DstOverlap>> {
    let told = [DstOverlap::Both, DstOverlap::First, DstOverlap::Second].map(Some);
    prop::sample::select([&[None][..], &told].concat())
}

proptest! {
    #[test]
    fn any_pattern_is_found_by_looking_at_every_minute(
        pattern in pattern(), gap in gap(), overlap in overlap(),
        zone in prop::sample::select(TZ_VARIANTS.to_vec()),
        which in any::<prop::sample::Index>(), before in 0..3 * DAY_MS,
    ) {
        let mut changes = changes(zone);
        changes.push(FIRST.plus_ms(1_000 * DAY_MS));
        let from = which.get(&changes).plus_ms(-before);
        let schedule = cron(&pattern, zone, gap, overlap);
        // What never comes due is no schedule.
        prop_assume!(Calendar::try_new(&schedule).is_ok());
        let same = difference(&schedule, from, from.plus_ms(5 * DAY_MS));
        prop_assert_eq!(same, Ok(()));
    }

    #[test]
    fn slots_increase_whatever_the_clocks_do(
        pattern in pattern(), gap in gap(), overlap in overlap(),
        zone in prop::sample::select(TZ_VARIANTS.to_vec()), from in 0..4_102_444_800_000_i64,
    ) {
        let schedule = cron(&pattern, zone, gap, overlap);
        let Ok(calendar) = Calendar::try_new(&schedule) else {
            return Ok(());
        };
        let mut last = Timestamp::from_unix_ms(from);
        for slot in calendar.slots_after(last).take(300) {
            prop_assert!(slot > last, "{} after {}", slot, last);
            last = slot;
        }
    }
}
