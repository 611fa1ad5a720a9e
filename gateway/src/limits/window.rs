//! One limit: so many requests of one client in one window.
//!
//! A window begins with its first request; what is refused is not counted. Within any span as long
//! as a window a client is therefore let through at most twice the limit, as with a bucket that
//! refills.
//!
//! Invariant: exactly as many are let through as the limit says, however many ask at once.

use std::net::IpAddr;

use domain::{TenantId, Timestamp, UserId};
use runtime::Limit;

use super::table::Table;

/// What is counted together.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Key {
    /// Requests from an address, or from a network of IPv6.
    Address(IpAddr),
    /// Requests of a tenant.
    Tenant(TenantId),
    /// Requests of a user of a tenant.
    User(TenantId, UserId),
}

/// A limit, and how far each client is.
pub(crate) struct Windows {
    pub name: &'static str,
    pub requests: u32,
    pub seconds: u32,
    table: Table<Key>,
}

/// Where a client stands after having asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Standing {
    pub granted: bool,
    /// Requests that are left in the window.
    pub remaining: u32,
    /// When the next window can begin, in seconds.
    pub resets_in_s: i64,
    /// When this one began.
    since: Timestamp,
}

impl Windows {
    /// None if there is no limit.
    pub fn new(name: &'static str, limit: Limit) -> Option<Self> {
        let (requests, seconds) = limit.requests().zip(limit.seconds())?;
        Some(Self {
            name,
            requests,
            seconds,
            table: Table::new(i64::from(seconds) * 1_000),
        })
    }

    /// Counts one request, if it is let through.
    pub fn take(&self, key: Key, now: Timestamp) -> Standing {
        self.table.with(key, now, |slot| {
            let granted = slot.count < self.requests;
            slot.count += u32::from(granted);
            let left_ms = i64::from(self.seconds) * 1_000 - now.since_ms(slot.since);
            Standing {
                granted,
                remaining: self.requests - slot.count.min(self.requests),
                resets_in_s: (left_ms.max(1) + 999) / 1_000,
                since: slot.since,
            }
        })
    }

    /// Counts a request no longer that was let through as `taken` says.
    pub fn give_back(&self, key: Key, taken: Standing) {
        self.table.with_known(key, |slot| {
            if taken.granted && slot.since == taken.since {
                slot.count = slot.count.saturating_sub(1);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_000_000);
    const KEY: Key = Key::Address(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn windows(limit: &str) -> Windows {
        Windows::new("test", limit.parse().expect("a limit")).expect("not off")
    }

    #[test]
    fn the_limit_holds_until_the_window_ends() {
        let windows = windows("3/10s");
        let at = |ms| windows.take(KEY, NOW.plus_ms(ms));
        assert_eq!((at(0).remaining, at(1).remaining), (2, 1));
        let third = at(4_001);
        assert!(third.granted && third.remaining == 0 && third.resets_in_s == 6);
        for ms in [4_002, 9_999] {
            assert!(!at(ms).granted, "{ms}");
        }
        let next = at(10_000);
        assert!(next.granted && next.remaining == 2 && next.resets_in_s == 10);
        assert!(Windows::new("test", Limit::OFF).is_none());
    }

    #[test]
    fn what_is_given_back_can_be_taken_once_more() {
        let windows = windows("1/10s");
        let taken = windows.take(KEY, NOW);
        windows.give_back(KEY, taken);
        assert!(windows.take(KEY, NOW).granted);
        let refused = windows.take(KEY, NOW);
        windows.give_back(KEY, refused);
        assert!(!windows.take(KEY, NOW).granted, "nothing was taken");
        let later = NOW.plus_ms(10_000);
        assert!(windows.take(KEY, later).granted);
        windows.give_back(KEY, taken);
        assert!(
            !windows.take(KEY, later).granted,
            "of a window that is over"
        );
    }
}
