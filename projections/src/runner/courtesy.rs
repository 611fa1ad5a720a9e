//! How the projector gives way to a burst of commits.
//!
//! Invariant: it rests only while more waits than one batch holds, and for the first second of that
//! at most: a burst costs the read models a second once, and a load that lasts no more than that.

use std::time::Duration;

use tokio::time::Instant;

use super::BATCH;

/// For how long after it fell behind it leaves the machine to who writes the log.
const BURST: Duration = Duration::from_secs(1);
/// How many times as long as a batch took it rests then: it works a tenth of the time.
const RESTS: u32 = 9;

/// Since when more waits than a batch holds.
#[derive(Debug, Default)]
pub(super) struct Courtesy(Option<Instant>);

impl Courtesy {
    /// How long to rest after a batch of `size` commits that took so long and has ended `now`.
    pub(super) fn rest(&mut self, size: usize, took: Duration, now: Instant) -> Duration {
        if size < BATCH {
            self.0 = None;
            return Duration::ZERO;
        }
        let since = *self.0.get_or_insert(now);
        let left = BURST.saturating_sub(now - since);
        left.min(took * RESTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOK: Duration = Duration::from_millis(40);

    /// How long it rests after each of so many batches, one right after the other.
    fn rests(sizes: &[usize]) -> Vec<u128> {
        let (mut courtesy, mut now) = (Courtesy::default(), Instant::now());
        let mut rests = Vec::new();
        for size in sizes {
            now += TOOK;
            let rest = courtesy.rest(*size, TOOK, now);
            now += rest;
            rests.push(rest.as_millis());
        }
        rests
    }

    #[test]
    fn a_burst_costs_a_second_and_what_lasts_costs_no_more() {
        assert_eq!(rests(&[BATCH; 8]), [360, 360, 200, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn who_keeps_up_never_rests_and_the_next_burst_is_a_new_one() {
        assert_eq!(rests(&[1, BATCH - 1, 20]), [0, 0, 0]);
        let again = rests(&[BATCH, BATCH, BATCH, BATCH, 7, BATCH]);
        assert_eq!(again, [360, 360, 200, 0, 0, 360]);
    }
}
