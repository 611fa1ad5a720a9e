//! New identities: `UUIDv7` (RFC 9562 §5.7), so that ids made later sort later.
//!
//! Invariant: ids of one process strictly increase, even within a millisecond and when the clock
//! steps back.

use std::sync::{Arc, Mutex, PoisonError};

use uuid::{Builder, Uuid};

use crate::{Clock, random};

/// Makes ids.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
    last: Arc<Mutex<u128>>,
}

impl Ids {
    /// Ids whose time part comes from `clock`.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            last: Arc::default(),
        }
    }

    /// A new id.
    pub fn next(&self) -> Uuid {
        let ms = u64::try_from(self.clock.now().unix_ms()).unwrap_or_default();
        let drawn = Builder::from_unix_timestamp_millis(ms, &random::bytes()).into_uuid();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = drawn.as_u128().max(*last + 1);
        Uuid::from_u128(*last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    #[test]
    fn ids_increase_even_when_the_clock_steps_back() {
        let clock = Clock::manual(Timestamp::from_unix_ms(1_000_000));
        let ids = Ids::new(clock.clone());
        let mut last = ids.next();
        for step in 0..1_000 {
            clock.set(Timestamp::from_unix_ms(1_000_000 - step));
            let next = ids.next();
            assert!(next > last);
            last = next;
        }
    }

    #[test]
    fn ids_are_version_7() {
        assert_eq!(Ids::new(Clock::system()).next().get_version_num(), 7);
    }
}
