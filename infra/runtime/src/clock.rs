//! The clock.
//!
//! Invariant: a manual clock moves only when told to, so that a test decides what time it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use domain::Timestamp;

/// Tells the time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Manual(Arc<AtomicI64>),
    System,
}

impl Clock {
    /// The clock of the machine.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until it is set; its clones move with it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.unix_ms()))))
    }

    /// What time it is.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::Manual(ms) => Timestamp::from_unix_ms(ms.load(Ordering::Acquire)),
            Source::System => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                Timestamp::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
        }
    }

    /// Sets a manual clock; the clock of the machine cannot be set.
    pub fn set(&self, now: Timestamp) {
        if let Source::Manual(ms) = &self.0 {
            ms.store(now.unix_ms(), Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told_to() {
        let clock = Clock::manual(Timestamp::from_unix_ms(5));
        let other = clock.clone();
        assert_eq!(other.now(), Timestamp::from_unix_ms(5));
        clock.set(Timestamp::from_unix_ms(9));
        assert_eq!(other.now(), Timestamp::from_unix_ms(9));
    }

    #[test]
    fn the_system_clock_is_past_2026() {
        assert!(Clock::system().now() > Timestamp::from_unix_ms(1_767_225_600_000));
    }
}
