//! From times on the wall to instants, by rules for the days on which clocks are set.
//!
//! Invariant: what is found lies strictly after the instant that the search begins at, and no time
//! on the wall is left out but by a rule that says so.

use chrono::{MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;

use super::{DstGap, DstOverlap};
use crate::Timestamp;

/// The longest that clocks were ever put back or forward, and some more.
const SHIFT_MAX: TimeDelta = TimeDelta::hours(26);

/// What a zone's clocks show at `at`.
pub(super) fn of(zone: Tz, at: Timestamp) -> NaiveDateTime {
    zone.from_utc_datetime(&at.to_chrono().naive_utc())
        .naive_local()
}

/// The first instant after `from` at which one of the times is due that `next` names: those after
/// its argument, in order.
pub(super) fn next_after(
    zone: Tz,
    rules: (DstGap, DstOverlap),
    from: Timestamp,
    next: impl Fn(NaiveDateTime) -> Option<NaiveDateTime>,
) -> Option<Timestamp> {
    let (gap, overlap) = rules;
    let mut wall = of(zone, from);
    let is_shown_twice = |wall: &NaiveDateTime| {
        matches!(
            zone.from_local_datetime(wall),
            MappedLocalTime::Ambiguous(..)
        )
    };
    if overlap != DstOverlap::First && is_shown_twice(&wall) {
        // A time that was shown already comes once more.
        wall -= SHIFT_MAX;
    }
    let mut best: Option<Timestamp> = None;
    while let Some(named) = next(wall) {
        wall = named;
        let due = instants(zone, gap, overlap, named);
        let due = due.into_iter().flatten().filter(|due| *due > from).min();
        best = [best, due].into_iter().flatten().min();
        // With both, an earlier instant may belong to a later time, as long as times come twice.
        let may_come_earlier = overlap == DstOverlap::Both && is_shown_twice(&named);
        if best.is_some() && !may_come_earlier {
            break;
        }
    }
    best
}

/// The instants at which `wall` is due.
fn instants(
    zone: Tz,
    gap: DstGap,
    overlap: DstOverlap,
    wall: NaiveDateTime,
) -> [Option<Timestamp>; 2] {
    match (zone.from_local_datetime(&wall), overlap) {
        (MappedLocalTime::Single(at), _)
        | (MappedLocalTime::Ambiguous(at, _), DstOverlap::First)
        | (MappedLocalTime::Ambiguous(_, at), DstOverlap::Second) => {
            [Some(at.to_utc().into()), None]
        }
        (MappedLocalTime::Ambiguous(one, two), DstOverlap::Both) => {
            [Some(one.to_utc().into()), Some(two.to_utc().into())]
        }
        (MappedLocalTime::None, _) => match gap {
            DstGap::After => [end_of_gap(zone, wall), None],
            DstGap::Skip => [None, None],
        },
    }
}

/// The first instant after the gap that `wall` lies in.
fn end_of_gap(zone: Tz, wall: NaiveDateTime) -> Option<Timestamp> {
    let exists = |wall: &NaiveDateTime| zone.from_local_datetime(wall).earliest().is_some();
    let after = |wall: NaiveDateTime, step: TimeDelta| {
        std::iter::successors(Some(wall + step), move |wall| Some(*wall + step))
    };
    let minute = TimeDelta::minutes(1);
    let last = wall + SHIFT_MAX;
    let mut minutes = after(wall, minute).take_while(|wall| *wall <= last);
    let found = minutes.find(exists)?;
    // Long ago clocks were also set by seconds.
    let first = after(found - minute, TimeDelta::seconds(1)).find(exists)?;
    let at = zone.from_local_datetime(&first).earliest()?;
    Some(at.to_utc().into())
}
