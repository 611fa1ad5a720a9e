//! What becomes of slots that are owed: fired or skipped, as the job's policy has it.
//!
//! Slots at most one second late are on time and fire whatever the policy. Of the late ones only
//! the latest few are decided one by one: a job every 100 ms owes 36,000 after an hour, and a
//! commit for each would tell nobody anything. The run of those before them is given up at once.
//!
//! Invariant: slots are planned in order and strictly after the last decided one, so no slot is
//! decided behind another that is still open.

use std::collections::VecDeque;

use domain::{
    JobId, Timestamp,
    job::{JobPolicy, JobSlotsSkipped, Misfire},
    schedule::Calendar,
    task::SkipReason,
};

/// How late a slot may be and still count as on time, in milliseconds.
pub const ON_TIME_MS: i64 = 1_000;
/// How many slots of a run are counted at most, where each has to be looked at.
const COUNT_MAX: u64 = 100_000;

/// What is to become of a slot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It becomes a task, unless an overlap or its deadline forbids that.
    Fire,
    /// It is the last of a run that is given up at once.
    GiveUp(JobSlotsSkipped),
    /// It is given up, with a record.
    Skip,
}

/// What decides about a job's slots.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Its slots.
    pub calendar: &'a Calendar,
    /// Which job it is.
    pub job: JobId,
    /// Of late slots, how many are decided one by one unless the policy wants more.
    pub late_max: usize,
    /// What it does with late slots.
    pub misfire: Misfire,
    /// When its slots fire, and how late.
    pub policy: JobPolicy,
}

impl Rules<'_> {
    /// What becomes of the slots in (`after`, `now`] whose time has come, the earliest first.
    pub fn owed(&self, after: Timestamp, now: Timestamp) -> VecDeque<(Timestamp, Verdict)> {
        let last = self.policy.ends_at.map_or(now, |end| end.min(now));
        let jitter_ms = self.policy.jitter_ms.unwrap_or(0) as i64;
        let late_for_sure = last.min(now.plus_ms(-ON_TIME_MS - 1 - jitter_ms));
        // One more than is decided one by one tells where the run before them ends.
        let late = latest(self.calendar, after, late_for_sure, self.late_max() + 1);
        let recent = self.calendar.slots_after(after.max(late_for_sure));
        let recent = recent.take_while(|slot| *slot <= last);
        // With jitter, a slot that is late may stand behind one that is on time.
        let recent = recent.map_while(|slot| {
            let late_ms = now.since_ms(self.policy.due_at(self.job, slot));
            (late_ms >= 0).then_some((slot, late_ms > ON_TIME_MS))
        });
        let mut kept = VecDeque::new();
        let (mut late_kept, mut run_until) = (0, None);
        for (slot, is_late) in late.into_iter().map(|slot| (slot, true)).chain(recent) {
            kept.push_back((slot, is_late));
            late_kept += usize::from(is_late);
            if late_kept > self.late_max()
                && let Some((first, _)) = kept.pop_front_if(|(_, is_late)| *is_late)
            {
                late_kept -= 1;
                run_until = Some(first);
            }
        }
        let has_late_only = late_kept == kept.len();
        let run = run_until.and_then(|until| self.run(after, until));
        let planned = kept.into_iter().map(|(slot, is_late)| {
            late_kept -= usize::from(is_late);
            let verdict = if is_late {
                self.late(slot, late_kept, has_late_only, now)
            } else {
                Verdict::Fire
            };
            (slot, verdict)
        });
        run.into_iter().chain(planned).collect()
    }

    /// What becomes of a late slot with so many late ones `behind` it.
    fn late(&self, slot: Timestamp, behind: usize, is_last: bool, now: Timestamp) -> Verdict {
        let max = self.policy.misfire_max;
        let max = max.map_or(usize::MAX, |max| max as usize);
        let is_wanted = match self.misfire {
            Misfire::All => behind < max,
            Misfire::Latest => behind == 0 && is_last,
            Misfire::Skip => false,
        };
        let late_ms = now.since_ms(self.policy.due_at(self.job, slot));
        let window_ms = self.policy.misfire_window_ms;
        if is_wanted && window_ms.is_none_or(|window_ms| late_ms <= window_ms as i64) {
            Verdict::Fire
        } else {
            Verdict::Skip
        }
    }

    /// How many late slots are decided one by one.
    fn late_max(&self) -> usize {
        let wanted = self
            .policy
            .misfire_max
            .filter(|_| self.misfire == Misfire::All);
        let wanted = wanted.map_or(1, |max| max as usize);
        self.late_max.max(wanted)
    }

    /// The run of slots behind `after` up to `until`, which is one.
    fn run(&self, after: Timestamp, until: Timestamp) -> Option<(Timestamp, Verdict)> {
        let run = JobSlotsSkipped {
            from: self.calendar.next_after(after)?,
            until,
            count: self.calendar.count(after, until, COUNT_MAX),
            reason: SkipReason::Misfire,
        };
        Some((until, Verdict::GiveUp(run)))
    }
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
    use uuid::Uuid;

    const MINUTE_MS: i64 = 60_000;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn every(every_ms: u64) -> Calendar {
        Calendar::try_new(&Schedule::Interval { every_ms }).expect("a valid interval")
    }

    fn rules(calendar: &Calendar, misfire: Misfire) -> Rules<'_> {
        Rules {
            calendar,
            job: JobId::new(Uuid::from_u128(7)),
            late_max: 100,
            misfire,
            policy: JobPolicy::default(),
        }
    }

    #[track_caller]
    fn check(rules: Rules<'_>, after_ms: i64, now_ms: i64, expected: &[(i64, Verdict)]) {
        let found = rules.owed(at(after_ms), at(now_ms));
        let found: Vec<_> = found.iter().map(|(s, v)| (s.unix_ms(), *v)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_slot_on_time_fires_whatever_the_policy() {
        let minutes = every(60_000);
        for misfire in [Misfire::All, Misfire::Latest, Misfire::Skip] {
            let rules = rules(&minutes, misfire);
            check(rules, 0, MINUTE_MS, &[(MINUTE_MS, Fire)]);
            check(rules, 0, MINUTE_MS + 1_000, &[(MINUTE_MS, Fire)]);
            check(rules, MINUTE_MS, MINUTE_MS + 1_000, &[]);
        }
        let skip = rules(&minutes, Misfire::Skip);
        check(skip, 0, MINUTE_MS + 1_001, &[(MINUTE_MS, Skip)]);
    }

    #[test]
    fn after_downtime_the_policy_decides() {
        let minutes = every(60_000);
        let rules = |misfire| rules(&minutes, misfire);
        let now = 3 * MINUTE_MS + 30_000;
        let slots = [MINUTE_MS, 2 * MINUTE_MS, 3 * MINUTE_MS];
        check(rules(Misfire::All), 0, now, &slots.map(|slot| (slot, Fire)));
        check(
            rules(Misfire::Skip),
            0,
            now,
            &slots.map(|slot| (slot, Skip)),
        );
        let latest = [(slots[0], Skip), (slots[1], Skip), (slots[2], Fire)];
        check(rules(Misfire::Latest), 0, now, &latest);
        let within = |misfire, misfire_max, misfire_window_ms| Rules {
            policy: JobPolicy {
                misfire_max,
                misfire_window_ms,
                ..JobPolicy::default()
            },
            ..rules(misfire)
        };
        let two = [(slots[0], Skip), (slots[1], Fire), (slots[2], Fire)];
        check(within(Misfire::All, Some(2), None), 0, now, &two);
        check(within(Misfire::All, None, Some(90_000)), 0, now, &two);
        let none = slots.map(|slot| (slot, Skip));
        check(within(Misfire::Latest, None, Some(29_999)), 0, now, &none);
    }

    #[test]
    fn a_slot_on_time_makes_up_for_the_late_ones() {
        let expected = [(MINUTE_MS, Skip), (2 * MINUTE_MS, Fire)];
        let minutes = every(60_000);
        check(
            rules(&minutes, Misfire::Latest),
            0,
            2 * MINUTE_MS + 5,
            &expected,
        );
    }

    #[test]
    fn nothing_is_owed_behind_the_end() {
        let minutes = every(60_000);
        let ended = Rules {
            policy: JobPolicy {
                ends_at: Some(at(2 * MINUTE_MS)),
                ..JobPolicy::default()
            },
            ..rules(&minutes, Misfire::All)
        };
        let slots = [(MINUTE_MS, Fire), (2 * MINUTE_MS, Fire)];
        check(ended, 0, 10 * MINUTE_MS, &slots);
        check(ended, 0, 2 * MINUTE_MS, &slots);
        check(ended, 2 * MINUTE_MS, 10 * MINUTE_MS, &[]);
    }

    #[test]
    fn a_slot_waits_for_its_jitter_and_those_behind_it_wait_with_it() {
        let minutes = every(60_000);
        let spread = Rules {
            policy: JobPolicy {
                jitter_ms: Some(300_000),
                ..JobPolicy::default()
            },
            ..rules(&minutes, Misfire::Skip)
        };
        let due = |slot: i64| {
            spread
                .policy
                .due_at(spread.job, at(slot * MINUTE_MS))
                .unix_ms()
        };
        check(spread, 0, due(1) - 1, &[]);
        let found = spread.owed(at(0), at(due(1)));
        assert_eq!(found.front(), Some(&(at(MINUTE_MS), Fire)));
        let found = spread.owed(at(0), at(due(1) + 1_001));
        assert_eq!(found.front(), Some(&(at(MINUTE_MS), Skip)));
        for now in 0..2_000 {
            let now = now * 1_000;
            let mut last = 0;
            for (slot, verdict) in spread.owed(at(0), at(now)) {
                let slot = slot.unix_ms() / MINUTE_MS;
                assert_eq!(slot, last + 1, "none is passed over");
                let late_ms = now - due(slot);
                assert!(late_ms >= 0);
                assert_eq!(verdict == Fire, late_ms <= ON_TIME_MS);
                last = slot;
            }
            // The one behind them has still to wait.
            assert!(due(last + 1) > now || (last + 1) * MINUTE_MS > now);
        }
    }

    #[test]
    fn a_long_outage_costs_no_more_than_the_cap() {
        let year_ms = 365 * 24 * 3_600_000;
        let tenths = every(100);
        let mut found = rules(&tenths, Misfire::All).owed(at(0), at(year_ms));
        // 11 slots within the last second, the end included, and the hundred before them.
        let until = at(year_ms - 11_100);
        let run = JobSlotsSkipped {
            from: at(100),
            until,
            count: Some(until.unix_ms() as u64 / 100),
            reason: SkipReason::Misfire,
        };
        assert_eq!(found.pop_front(), Some((until, Verdict::GiveUp(run))));
        assert_eq!(found.len(), 111);
        let slots: Vec<_> = found.iter().map(|(slot, _)| *slot).collect();
        let expected: Vec<_> = (1..=111).map(|step| until.plus_ms(step * 100)).collect();
        assert_eq!(slots, expected);
    }

    #[test]
    fn more_are_decided_one_by_one_if_the_policy_fires_more() {
        let seconds = every(1_000);
        let many = Rules {
            policy: JobPolicy {
                misfire_max: Some(1_000),
                ..JobPolicy::default()
            },
            ..rules(&seconds, Misfire::All)
        };
        let found = many.owed(at(0), at(5_000_500));
        let fired = found.iter().filter(|(_, verdict)| *verdict == Fire).count();
        assert_eq!((fired, found.len()), (1_001, 1_002));
    }

    #[test]
    fn a_cap_of_zero_still_keeps_the_promise_of_latest() {
        let minutes = every(60_000);
        let none = Rules {
            late_max: 0,
            ..rules(&minutes, Misfire::Latest)
        };
        let run = JobSlotsSkipped {
            from: at(MINUTE_MS),
            until: at(MINUTE_MS),
            count: Some(1),
            reason: SkipReason::Misfire,
        };
        let expected = [(MINUTE_MS, Verdict::GiveUp(run)), (2 * MINUTE_MS, Fire)];
        check(none, 0, 150_000, &expected);
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

        #[test]
        fn every_slot_is_planned_once(
            every_ms in 100_u64..20_000, after in 0_i64..1_000_000, span in 0_i64..300_000,
            late_max in 0_usize..20, jitter_ms in prop::option::of(1_u64..30_000),
            misfire in prop::sample::select(vec![Misfire::All, Misfire::Latest, Misfire::Skip]),
        ) {
            let calendar = every(every_ms);
            let rules = Rules {
                late_max,
                policy: JobPolicy { jitter_ms, ..JobPolicy::default() },
                ..rules(&calendar, misfire)
            };
            let now = at(after + span);
            let mut due = calendar.slots_after(at(after)).take_while(|slot| *slot <= now);
            for (slot, verdict) in rules.owed(at(after), now) {
                if let Verdict::GiveUp(run) = verdict {
                    let count = run.count.expect("counted") as usize;
                    let run_slots: Vec<_> = due.by_ref().take(count).collect();
                    let ends = (run_slots.first().copied(), run_slots.last().copied());
                    prop_assert_eq!(ends, (Some(run.from), Some(run.until)));
                } else {
                    prop_assert_eq!(due.next(), Some(slot));
                }
            }
            let waits = due.next().is_none_or(|slot| rules.policy.due_at(rules.job, slot) > now);
            prop_assert!(waits, "a slot that is due was not planned");
        }
    }
}
