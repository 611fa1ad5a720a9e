//! How full one limit is.
//!
//! Invariant: what begins is spread by the rate (GCRA, ITU-T I.371): at no time more than a
//! second's worth has begun ahead of it. A clock that was set back holds nothing up.

use domain::Timestamp;
use runtime::WorkLimit;

const MINUTE_US: i64 = 60_000_000;
/// How far ahead of the rate attempts may begin.
const AHEAD_US: i64 = 1_000_000;

/// How full one limit is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gauge {
    /// How many attempts take up room.
    pub(super) admitted: u32,
    /// When the next attempt would begin at exactly the rate, in microseconds.
    due_us: i64,
}

/// Why an attempt has to wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wait {
    /// Until another one has ended.
    Room,
    /// Until then.
    Until(Timestamp),
}

impl Gauge {
    /// Whether another attempt has to wait.
    pub(super) fn wait(&self, limit: WorkLimit, now: Timestamp) -> Option<Wait> {
        let is_full = |most: std::num::NonZeroU32| self.admitted >= most.get();
        if limit.concurrency.is_some_and(is_full) {
            return Some(Wait::Room);
        }
        let step_us = step_us(limit)?;
        let allowed_us = self.due_us(step_us, now) - (AHEAD_US - step_us).max(0);
        let at = Timestamp::from_unix_ms(allowed_us.div_euclid(1_000) + 1);
        (allowed_us > now_us(now)).then_some(Wait::Until(at))
    }

    /// Takes up room for another attempt, which begins.
    pub(super) fn begin(&mut self, limit: WorkLimit, now: Timestamp) {
        self.admitted = self.admitted.saturating_add(1);
        if let Some(step_us) = step_us(limit) {
            self.due_us = self.due_us(step_us, now).max(now_us(now)) + step_us;
        }
    }

    /// Gives the room of an attempt back.
    pub(super) fn end(&mut self) {
        self.admitted = self.admitted.saturating_sub(1);
    }

    /// When the next attempt is due, were the clock never set back.
    fn due_us(&self, step_us: i64, now: Timestamp) -> i64 {
        let latest_us = now_us(now) + step_us + AHEAD_US;
        if self.due_us > latest_us {
            now_us(now)
        } else {
            self.due_us
        }
    }
}

fn step_us(limit: WorkLimit) -> Option<i64> {
    let per_minute = limit.per_minute?;
    Some(MINUTE_US / i64::from(per_minute.get()))
}

fn now_us(now: Timestamp) -> i64 {
    now.unix_ms().saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    /// How many begin from `from` on within `lasts_ms`, tried every millisecond.
    fn begun(gauge: &mut Gauge, limit: WorkLimit, from: i64, lasts_ms: i64) -> u32 {
        let mut count = 0;
        for ms in from..from + lasts_ms {
            while gauge.wait(limit, at(ms)).is_none() {
                gauge.begin(limit, at(ms));
                count += 1;
            }
        }
        count
    }

    #[test]
    fn no_more_begin_than_the_rate_and_a_second_allow() {
        for per_minute in [1, 7, 60, 600, 6_000] {
            let limit = WorkLimit {
                concurrency: None,
                per_minute: NonZeroU32::new(per_minute),
            };
            let mut gauge = Gauge::default();
            let count = begun(&mut gauge, limit, 1_000_000, 120_000);
            let most = 2 * per_minute + (per_minute / 60).max(1);
            assert!(
                (2 * per_minute..=most).contains(&count),
                "{per_minute}: {count}"
            );
            let Some(Wait::Until(next)) = gauge.wait(limit, at(1_119_999)) else {
                panic!("there is no rate");
            };
            assert!(gauge.wait(limit, next).is_none());
        }
    }

    #[test]
    fn a_clock_set_back_holds_nothing_up() {
        let limit = WorkLimit {
            concurrency: None,
            per_minute: NonZeroU32::new(60),
        };
        let mut gauge = Gauge::default();
        begun(&mut gauge, limit, 9_000_000, 10);
        assert!(gauge.wait(limit, at(1_000)).is_none());
    }

    #[test]
    fn room_is_taken_and_given_back() {
        let limit = WorkLimit {
            concurrency: NonZeroU32::new(2),
            per_minute: None,
        };
        let mut gauge = Gauge::default();
        assert_eq!(begun(&mut gauge, limit, 0, 5), 2);
        assert_eq!(gauge.wait(limit, at(9)), Some(Wait::Room));
        gauge.end();
        assert_eq!(gauge.wait(limit, at(9)), None);
    }
}
