//! What becomes of slots that are owed: fired or skipped, as the job's policy has it.
//!
//! Slots at most one second late are on time and fire whatever the policy. Of the late ones only
//! the latest few are decided one by one: a job every 100 ms owes 36,000 after an hour, and a
//! record of each would tell nobody anything.
//!
//! Invariant: slots are planned in order and strictly after the last decided one, so no slot is
//! decided behind another that is still open.

use std::collections::VecDeque;

use domain::{Timestamp, job::Misfire, schedule::Calendar};

/// How late a slot may be and still count as on time, in milliseconds.
pub const ON_TIME_MS: i64 = 1_000;
/// How many slots that get no record of their own are counted at most.
const COUNT_MAX: usize = 1_000;

/// What is to become of a slot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It becomes a task, unless an overlap forbids that.
    Fire,
    /// It is given up, with a record.
    Skip,
}

/// The slots owed at some instant.
#[derive(Debug, Eq, PartialEq)]
pub struct Owed {
    /// What to do, the earliest slot first.
    pub slots: VecDeque<(Timestamp, Verdict)>,
    /// How many older slots get no record, counted up to 1,000.
    pub unrecorded: usize,
}

/// What becomes of the slots in (`after`, `now`], the late ones among them at most `late_max`.
pub fn owed(
    calendar: &Calendar,
    after: Timestamp,
    now: Timestamp,
    policy: Misfire,
    late_max: usize,
) -> Owed {
    let late_until = now.plus_ms(-ON_TIME_MS - 1);
    let on_time: Vec<_> = calendar
        .slots_after(after.max(late_until))
        .take_while(|slot| *slot <= now)
        .collect();
    let late = latest(calendar, after, late_until, late_max.max(1));
    let older = late.front().filter(|_| late.len() >= late_max.max(1));
    let unrecorded = older.map_or(0, |oldest| {
        let before = calendar.slots_after(after);
        before
            .take_while(|slot| slot < oldest)
            .take(COUNT_MAX)
            .count()
    });
    let last_late = late.len().saturating_sub(1);
    let verdict = |index: usize| match policy {
        Misfire::All => Verdict::Fire,
        Misfire::Latest if index == last_late && on_time.is_empty() => Verdict::Fire,
        Misfire::Latest | Misfire::Skip => Verdict::Skip,
    };
    let late = late
        .iter()
        .enumerate()
        .map(|(index, slot)| (*slot, verdict(index)));
    let slots = late
        .chain(on_time.iter().map(|slot| (*slot, Verdict::Fire)))
        .collect();
    Owed { slots, unrecorded }
}

/// The last `max` slots in (`after`, `until`], found from the end backwards: the window doubles
/// until it holds enough, so the cost follows from `max` and not from the length of the outage.
fn latest(
    calendar: &Calendar,
    after: Timestamp,
    until: Timestamp,
    max: usize,
) -> VecDeque<Timestamp> {
    let mut window_ms = ON_TIME_MS;
    loop {
        let from = after.max(until.plus_ms(-window_ms));
        let mut found = VecDeque::new();
        for slot in calendar.slots_after(from).take_while(|slot| *slot <= until) {
            if found.len() == max {
                found.pop_front();
            }
            found.push_back(slot);
        }
        if found.len() == max || from == after {
            return found;
        }
        window_ms = window_ms.saturating_mul(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Fire, Skip};
    use domain::schedule::Schedule;
    use proptest::prelude::*;

    const MINUTE_MS: i64 = 60_000;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn every(every_ms: u64) -> Calendar {
        Calendar::try_new(&Schedule::Interval { every_ms }).expect("a valid interval")
    }

    #[track_caller]
    fn check(policy: Misfire, after_ms: i64, now_ms: i64, expected: &[(i64, Verdict)]) {
        let found = owed(&every(60_000), at(after_ms), at(now_ms), policy, 100);
        let found: Vec<_> = found.slots.iter().map(|(s, v)| (s.unix_ms(), *v)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_slot_on_time_fires_whatever_the_policy() {
        for policy in [Misfire::All, Misfire::Latest, Misfire::Skip] {
            check(policy, 0, MINUTE_MS, &[(MINUTE_MS, Fire)]);
            check(policy, 0, MINUTE_MS + 1_000, &[(MINUTE_MS, Fire)]);
            check(policy, MINUTE_MS, MINUTE_MS + 1_000, &[]);
        }
        check(Misfire::Skip, 0, MINUTE_MS + 1_001, &[(MINUTE_MS, Skip)]);
    }

    #[test]
    fn after_downtime_the_policy_decides() {
        let now = 3 * MINUTE_MS + 30_000;
        let slots = [MINUTE_MS, 2 * MINUTE_MS, 3 * MINUTE_MS];
        check(Misfire::All, 0, now, &slots.map(|slot| (slot, Fire)));
        check(Misfire::Skip, 0, now, &slots.map(|slot| (slot, Skip)));
        let latest = [(slots[0], Skip), (slots[1], Skip), (slots[2], Fire)];
        check(Misfire::Latest, 0, now, &latest);
    }

    #[test]
    fn a_slot_on_time_makes_up_for_the_late_ones() {
        let expected = [(MINUTE_MS, Skip), (2 * MINUTE_MS, Fire)];
        check(Misfire::Latest, 0, 2 * MINUTE_MS + 5, &expected);
    }

    #[test]
    fn a_long_outage_costs_no_more_than_the_cap() {
        let year_ms = 365 * 24 * 3_600_000;
        let found = owed(&every(100), at(0), at(year_ms), Misfire::All, 100);
        assert_eq!(found.unrecorded, COUNT_MAX);
        // 11 slots within the last second, the end included, and the hundred before them.
        assert_eq!(found.slots.len(), 111);
        assert_eq!(found.slots.back(), Some(&(at(year_ms), Fire)));
        let steps: Vec<_> = found
            .slots
            .iter()
            .zip(found.slots.iter().skip(1))
            .map(|((a, _), (b, _))| b.since_ms(*a))
            .collect();
        assert!(steps.iter().all(|step| *step == 100), "{steps:?}");
    }

    #[test]
    fn a_cap_of_zero_still_keeps_the_promise_of_latest() {
        let found = owed(&every(60_000), at(0), at(150_000), Misfire::Latest, 0);
        assert_eq!(found.slots, [(at(120_000), Fire)]);
        assert_eq!(found.unrecorded, 1);
    }

    proptest! {
        #[test]
        fn the_window_finds_what_a_full_scan_finds(
            every_ms in 100_u64..200_000, after in 0_i64..1_000_000, span in 0_i64..3_000_000,
            max in 1_usize..20,
        ) {
            let calendar = every(every_ms);
            let until = at(after + span);
            let all: Vec<_> =
                calendar.slots_after(at(after)).take_while(|slot| *slot <= until).collect();
            let expected = &all[all.len().saturating_sub(max)..];
            prop_assert_eq!(latest(&calendar, at(after), until, max), expected);
        }
    }
}
