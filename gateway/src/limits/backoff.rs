//! Pauses after failed sign-ins.
//!
//! Counted for an account and an address together, whether or not there is such an account: a
//! stranger who guesses slows down nobody but who shares their address, and learns nothing.
//!
//! Invariant: nobody is locked out: a pause is at most [`PAUSE_MAX_MS`] long, and what comes during
//! one does not lengthen it. An attempt counts as failed until it is known not to be, so that many
//! at once are no way around.

use std::net::IpAddr;

use domain::Timestamp;
use uuid::Uuid;

use super::table::Table;

/// The first pause; each further failure doubles it.
const PAUSE_MS: i64 = 1_000;
/// The longest pause.
const PAUSE_MAX_MS: i64 = 300_000;
/// When failures are forgotten, after the last of them.
const FORGOTTEN_AFTER_MS: i64 = 3_600_000;

/// How often signing in has failed.
pub(crate) struct Backoff {
    /// Failures that cost no pause.
    free: u32,
    table: Table<(Uuid, IpAddr)>,
}

/// A sign-in that may be tried.
#[must_use]
pub(crate) struct Attempt<'a> {
    backoff: &'a Backoff,
    key: (Uuid, IpAddr),
}

impl Backoff {
    pub fn new(free: u32) -> Self {
        Self {
            // The first attempt is always free.
            free: free.max(1),
            table: Table::new(FORGOTTEN_AFTER_MS),
        }
    }

    /// Begins to sign in to `account`, or tells for how many seconds to pause.
    pub fn begin(&self, account: Uuid, from: IpAddr, now: Timestamp) -> Result<Attempt<'_>, i64> {
        let key = (account, from);
        self.table.with(key, now, |failures| {
            let left_ms = self.pause_ms(failures.count) - now.since_ms(failures.since);
            if left_ms > 0 {
                return Err((left_ms + 999) / 1_000);
            }
            failures.count = failures.count.saturating_add(1);
            failures.since = now;
            Ok(Attempt { backoff: self, key })
        })
    }

    fn pause_ms(&self, failures: u32) -> i64 {
        match failures.checked_sub(self.free) {
            None => 0,
            Some(beyond) => PAUSE_MS
                .saturating_mul(1 << beyond.min(16))
                .min(PAUSE_MAX_MS),
        }
    }
}

impl Attempt<'_> {
    /// The password was right: what failed before is forgotten.
    pub fn succeeded(self) {
        self.backoff
            .table
            .with_known(self.key, |failures| failures.count = 0);
    }

    /// The password was not looked at.
    pub fn came_to_nothing(self) {
        self.backoff.table.with_known(self.key, |failures| {
            failures.count = failures.count.saturating_sub(1);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_000_000);
    const ANN: Uuid = Uuid::from_u128(1);
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    /// The pauses between failures that are tried as soon as they may be, in seconds.
    fn pauses(backoff: &Backoff, failures: usize) -> Vec<i64> {
        let mut now = NOW;
        let next = |_| {
            let pause_s = backoff.begin(ANN, HERE, now).err().unwrap_or_default();
            now = now.plus_ms(pause_s * 1_000);
            if pause_s > 0 {
                assert!(backoff.begin(ANN, HERE, now).is_ok(), "after {pause_s} s");
            }
            pause_s
        };
        (0..failures).map(next).collect()
    }

    #[test]
    fn pauses_double_up_to_a_bound() {
        let expected = [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300];
        assert_eq!(pauses(&Backoff::new(2), 14), expected);
        assert_eq!(pauses(&Backoff::new(u32::MAX), 50), [0; 50]);
    }

    #[test]
    fn what_comes_during_a_pause_does_not_lengthen_it() {
        let backoff = Backoff::new(0);
        for ms in 0..1_000 {
            let begun = backoff.begin(ANN, HERE, NOW.plus_ms(ms - 1_000)).is_ok();
            assert_eq!(begun, ms == 0);
        }
        assert!(backoff.begin(ANN, HERE, NOW).is_ok());
    }

    #[test]
    fn a_stranger_elsewhere_slows_down_nobody() {
        let backoff = Backoff::new(1);
        for _ in 0..100 {
            let _refused = backoff.begin(ANN, THERE, NOW).is_err();
        }
        assert!(backoff.begin(ANN, HERE, NOW).is_ok());
        assert!(backoff.begin(Uuid::from_u128(2), THERE, NOW).is_ok());
        assert!(backoff.begin(ANN, THERE, NOW).is_err());
    }

    #[test]
    fn only_failures_count() {
        let backoff = Backoff::new(1);
        let begin = || backoff.begin(ANN, HERE, NOW);
        for _ in 0..3 {
            begin().expect("no pause").succeeded();
            begin().expect("no pause").came_to_nothing();
        }
        assert!(begin().is_ok() && begin().is_err());
    }
}
