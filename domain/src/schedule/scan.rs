//! Slots found the slow way: by looking at each minute of real time, on the clock on the wall.
//!
//! Invariant: no search is used here and nothing of the calendar, so that what both ways find has
//! two reasons to be right.

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, TimeDelta, TimeZone as _, Timelike as _};
use chrono_tz::Tz;

use super::{DstGap, DstOverlap, INTERVAL_MAX_MS, INTERVAL_MIN_MS, InvalidSchedule, Schedule};
use crate::{Timestamp, schedule::pattern::Pattern};

const MINUTE_MS: i64 = 60_000;
/// How far around a period the clocks are watched: further than they are ever set.
const MARGIN_MS: i64 = 26 * 60 * MINUTE_MS;

/// A schedule whose slots are found by looking at every minute.
#[derive(Clone, Debug)]
pub struct Scan(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Cron {
        pattern: Box<Pattern>,
        zone: Tz,
        named: Option<(DstGap, DstOverlap)>,
    },
    Interval {
        every_ms: i64,
    },
    Once {
        at: Timestamp,
    },
}

impl Scan {
    /// Reads `schedule`.
    pub fn try_new(schedule: &Schedule) -> Result<Self, InvalidSchedule> {
        Ok(Self(match schedule {
            Schedule::Cron {
                expression,
                timezone,
                dst_gap,
                dst_overlap,
            } => {
                let zone: Tz = timezone
                    .parse()
                    .map_err(|_| InvalidSchedule::TimeZone(timezone.clone()))?;
                let pattern = Pattern::parse(expression)
                    .ok_or_else(|| InvalidSchedule::Cron(expression.clone()))?;
                let is_told = dst_gap.is_some() || dst_overlap.is_some();
                let single = (DstGap::After, DstOverlap::First);
                let several = (DstGap::Skip, DstOverlap::Both);
                let usual = if pattern.is_single() { single } else { several };
                let named = pattern.is_single() || pattern.names_times() && is_told;
                let rules = (dst_gap.unwrap_or(usual.0), dst_overlap.unwrap_or(usual.1));
                Kind::Cron {
                    pattern: Box::new(pattern),
                    zone,
                    named: named.then_some(rules),
                }
            }
            Schedule::Interval { every_ms } => {
                if !(INTERVAL_MIN_MS..=INTERVAL_MAX_MS).contains(every_ms) {
                    return Err(InvalidSchedule::Interval);
                }
                Kind::Interval {
                    every_ms: *every_ms as i64,
                }
            }
            Schedule::Once { at } => Kind::Once { at: *at },
        }))
    }

    /// Every slot after `after` and up to `until`, in order.
    pub fn slots(&self, after: Timestamp, until: Timestamp) -> Vec<Timestamp> {
        match &self.0 {
            Kind::Cron {
                pattern,
                zone,
                named,
            } => {
                let mut slots = match named {
                    Some(rules) => named_slots(pattern, *zone, *rules, after, until),
                    None => real_slots(pattern, *zone, after, until),
                };
                slots.retain(|slot| *slot > after && *slot <= until);
                slots.sort_unstable();
                slots.dedup();
                slots
            }
            Kind::Interval { every_ms } => {
                let first = (after.unix_ms().div_euclid(*every_ms) + 1) * every_ms;
                let slots = (first..=until.unix_ms()).step_by(*every_ms as usize);
                slots.map(Timestamp::from_unix_ms).collect()
            }
            Kind::Once { at } => Some(*at)
                .filter(|at| *at > after && *at <= until)
                .into_iter()
                .collect(),
        }
    }
}

/// Each minute of real time from before `after` to behind `until`, with what the clocks show.
fn minutes(
    zone: Tz,
    after: Timestamp,
    until: Timestamp,
) -> impl Iterator<Item = (Timestamp, NaiveDateTime)> {
    let first = after.unix_ms().div_euclid(MINUTE_MS) * MINUTE_MS;
    (first..=until.unix_ms())
        .step_by(MINUTE_MS as usize)
        .map(move |ms| {
            let at = Timestamp::from_unix_ms(ms);
            let shown = zone.from_utc_datetime(&at.to_chrono().naive_utc());
            (at, shown.naive_local())
        })
}

/// Whenever the clocks show a time that fits.
fn real_slots(pattern: &Pattern, zone: Tz, after: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let due = minutes(zone, after, until).filter(|(_, wall)| pattern.allows(*wall));
    due.flat_map(|(at, _)| seconds(pattern, at)).collect()
}

/// Whenever a time that fits is due by the rules for clocks that are set.
fn named_slots(
    pattern: &Pattern,
    zone: Tz,
    (gap, overlap): (DstGap, DstOverlap),
    after: Timestamp,
    until: Timestamp,
) -> Vec<Timestamp> {
    let (from, to) = (after.plus_ms(-MARGIN_MS), until.plus_ms(MARGIN_MS));
    let mut shown: BTreeMap<NaiveDateTime, Vec<Timestamp>> = BTreeMap::new();
    let mut slots = Vec::new();
    let mut last: Option<NaiveDateTime> = None;
    for (at, wall) in minutes(zone, from, to) {
        if pattern.allows(wall) {
            shown.entry(wall).or_default().push(at);
        }
        let minute = TimeDelta::minutes(1);
        let next = last.map_or(wall, |last| last + minute);
        let left_out = std::iter::successors(Some(next), |time| Some(*time + minute));
        let mut left_out = left_out.take_while(|time| *time < wall);
        if gap == DstGap::After && left_out.any(|time| pattern.allows(time)) {
            slots.push(at);
        }
        last = Some(wall);
    }
    for instants in shown.values() {
        let due = match overlap {
            DstOverlap::Both => instants.as_slice(),
            DstOverlap::First => &instants[..1],
            DstOverlap::Second => &instants[instants.len() - 1..],
        };
        slots.extend(due.iter().flat_map(|at| seconds(pattern, *at)));
    }
    slots
}

fn seconds(pattern: &Pattern, minute: Timestamp) -> impl Iterator<Item = Timestamp> {
    let shown = minute.to_chrono();
    debug_assert_eq!(shown.second(), 0, "a minute of real time begins with it");
    pattern
        .seconds()
        .map(move |second| minute.plus_ms(i64::from(second) * 1_000))
}
