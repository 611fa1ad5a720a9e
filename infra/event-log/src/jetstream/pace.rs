//! What a write costs on this server, learned from the writes that were made.
//!
//! A single commit costs one flush. An atomic batch costs a floor, whatever its size, since the
//! server keeps files of its own for each: 4 ms on one machine, 9 ms where deleting a file is slow.
//! So the size from which on a batch is faster differs from 15 to 70 and cannot be a constant.
//!
//! Invariant: no measured time, however odd, moves an estimate far at once, and a floor that has
//! not been seen for long is believed less and less, so that batches are tried again.

use std::time::Duration;

/// What one more commit adds to a batch; nearly all of it is computing.
const MEMBER_US: f64 = 40.0;
/// Between which bounds estimates stay.
const FLOOR_US: (f64, f64) = (1_000.0, 100_000.0);
const SINGLE_US: (f64, f64) = (60.0, 20_000.0);
/// How far one measured time can move an estimate.
const STEP: f64 = 0.25;
/// How many times its estimate a measured time counts at most.
const ODD: f64 = 4.0;
/// How much less a floor is believed after each single.
const FADE: f64 = 1.0 / 8_192.0;
/// From how many singles in flight on their times tell what each costs the server.
const BUSY: usize = 4;

/// The estimates, in microseconds.
pub(super) struct Pace {
    floor: f64,
    single: f64,
}

impl Pace {
    /// What is true of many machines, until it is known better.
    pub(super) const fn new() -> Self {
        Self {
            floor: 4_000.0,
            single: 300.0,
        }
    }

    /// From how many waiting commits on one batch is faster than as many singles.
    pub(super) fn break_even(&self) -> usize {
        let saved = (self.single - MEMBER_US).max(1.0);
        (self.floor / saved).ceil() as usize
    }

    /// How long it pays to gather before a batch, while the clients that the last one answered
    /// come back with their next command.
    pub(super) fn gather(&self) -> Duration {
        Duration::from_micros((self.floor / 4.0) as u64)
    }

    /// Takes in that a batch of `size` was stored, gathering included, behind so many singles.
    pub(super) fn batch_took(&mut self, size: usize, behind: usize, took: Duration) {
        let others = size as f64 * MEMBER_US + behind as f64 * self.single;
        let floor = micros(took) - others;
        self.floor = moved(self.floor, floor).clamp(FLOOR_US.0, FLOOR_US.1);
    }

    /// Takes in that a single was stored, the last of so many in flight when it was sent.
    pub(super) fn single_took(&mut self, in_flight: usize, took: Duration) {
        self.floor = (self.floor * (1.0 - FADE)).max(FLOOR_US.0);
        if in_flight >= BUSY {
            let single = micros(took) / in_flight as f64;
            self.single = moved(self.single, single).clamp(SINGLE_US.0, SINGLE_US.1);
        }
    }
}

fn moved(estimate: f64, measured: f64) -> f64 {
    let believed = measured.clamp(0.0, estimate * ODD);
    (believed - estimate).mul_add(STEP, estimate)
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn it_learns_from_which_size_on_a_batch_pays() {
        let mut slow_files = Pace::new();
        let mut slow_disk = Pace::new();
        for _ in 0..50 {
            slow_files.single_took(16, ms(16) / 6);
            slow_files.batch_took(100, 0, ms(13));
            slow_disk.single_took(16, ms(16));
            slow_disk.batch_took(100, 0, ms(8));
        }
        assert_eq!(slow_files.break_even(), 72);
        assert_eq!(slow_disk.break_even(), 5);
    }

    #[test]
    fn one_odd_time_changes_little() {
        let mut pace = Pace::new();
        pace.batch_took(100, 0, Duration::from_mins(1));
        assert!(pace.break_even() <= 2 * Pace::new().break_even());
        pace.batch_took(100, 0, Duration::ZERO);
        assert!(pace.break_even() > 0);
    }

    #[test]
    fn singles_before_a_batch_do_not_count_as_its_cost() {
        let (mut behind, mut alone) = (Pace::new(), Pace::new());
        behind.batch_took(20, 10, ms(9));
        alone.batch_took(20, 0, ms(6));
        assert_eq!(behind.break_even(), alone.break_even());
    }

    #[test]
    fn batches_are_tried_again_after_a_bad_time() {
        let mut pace = Pace::new();
        for _ in 0..20 {
            pace.batch_took(64, 0, ms(50));
        }
        let after = pace.break_even();
        for _ in 0..8_192 {
            pace.single_took(1, ms(1));
        }
        assert!(pace.break_even() * 2 < after);
    }
}
