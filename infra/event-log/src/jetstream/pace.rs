//! What a write costs on this server, learned from the writes that were made.
//!
//! A single commit costs one flush. An atomic batch costs a floor, whatever its size, since the
//! server keeps files of its own for each: 4 ms on one machine, 9 ms where deleting a file is slow.
//! So the size from which on a batch is faster differs from 15 to 70 and cannot be a constant.
//!
//! Invariant: no measured time, however odd, moves an estimate far at once, and what has not been
//! measured for long is believed to be cheaper than it was, so that it is tried again.

use std::time::Duration;

/// What one more commit adds to a batch; nearly all of it is computing.
const MEMBER_US: f64 = 40.0;
/// Between which bounds singles are in flight: fewer leave the server idle, more gain nothing.
const SINGLES: (usize, usize) = (16, 64);
/// How many singles in a row are measured together: answers come in bunches.
const ROW: usize = 64;
/// How much cheaper a batch is believed to be after each single, and a single after each batch.
const BATCH_FADE: f64 = 1.0 / 65_536.0;
const SINGLE_FADE: f64 = 1.0 / 64.0;

/// How what waits is best sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    /// All of it as one batch.
    Batch,
    /// Not yet: with those who are answered next it makes a batch, which is faster for all of them.
    Later,
    /// Each by itself.
    Singles,
}

/// The estimates.
pub(super) struct Pace {
    /// What a batch costs beside its members.
    floor: Cost,
    row: Duration,
    rows: usize,
    single: Cost,
}

/// An estimate in microseconds, and how much of it is still believed.
struct Cost {
    belief: f64,
    us: f64,
}

impl Pace {
    /// What is true of many machines, until it is known better.
    pub(super) const fn new() -> Self {
        Self {
            floor: Cost::new(4_000.0),
            row: Duration::ZERO,
            rows: 0,
            single: Cost::new(300.0),
        }
    }

    /// From how many waiting commits on one batch is faster than as many singles.
    fn break_even(&self) -> usize {
        let saved = (self.single.now() - MEMBER_US).max(10.0);
        (self.floor.now() / saved).ceil() as usize
    }

    /// How to send `waiting` commits while so many singles are in flight, whose writers are likely
    /// to come back. A row of singles is given up only for what is clearly faster, so that writers
    /// near the break-even do not go back and forth.
    pub(super) fn way(&self, waiting: usize, singles_in_flight: usize) -> Way {
        let break_even = self.break_even();
        if waiting >= break_even {
            Way::Batch
        } else if singles_in_flight > 0 && (waiting + singles_in_flight) * 4 >= break_even * 5 {
            Way::Later
        } else {
            Way::Singles
        }
    }

    /// How many singles may be in flight; what waits instead may become a batch.
    pub(super) fn singles_max(&self) -> usize {
        (self.break_even() / 2).clamp(SINGLES.0, SINGLES.1)
    }

    /// How long it pays at most to gather before a batch, while the clients that the last one
    /// answered come back with their next command: as long as a batch of its own would cost them.
    pub(super) fn gather_max(&self) -> Duration {
        Duration::from_micros(self.floor.us as u64)
    }

    /// Takes in that a batch of `size` was stored, gathering included, behind so many singles.
    pub(super) fn batch_took(&mut self, size: usize, behind: usize, took: Duration) {
        let others = size as f64 * MEMBER_US + behind as f64 * self.single.us;
        self.floor.measured(micros(took) - others);
        self.single.fade(SINGLE_FADE);
        self.end_row();
    }

    /// Takes in that a single was stored, so long after the one before, while others waited.
    pub(super) fn single_took(&mut self, took: Duration) {
        self.floor.fade(BATCH_FADE);
        self.row += took;
        self.rows += 1;
        if self.rows == ROW {
            self.single.measured(micros(self.row) / ROW as f64);
            self.end_row();
        }
    }

    /// Something else came between two singles.
    pub(super) const fn end_row(&mut self) {
        self.row = Duration::ZERO;
        self.rows = 0;
    }
}

impl Cost {
    /// How far a measured time moves the estimate.
    const STEP: f64 = 0.4;
    /// How many times the estimate a measured time counts at most.
    const ODD: f64 = 3.0;
    /// How much is believed at least.
    const FADED: f64 = 0.6;
    /// What no write costs less than.
    const LEAST_US: f64 = 50.0;

    const fn new(us: f64) -> Self {
        Self { belief: 1.0, us }
    }

    fn now(&self) -> f64 {
        self.us * self.belief
    }

    fn fade(&mut self, by: f64) {
        self.belief = (self.belief * (1.0 - by)).max(Self::FADED);
    }

    fn measured(&mut self, us: f64) {
        let counted = us.clamp(0.0, self.us * Self::ODD);
        self.us = (counted - self.us)
            .mul_add(Self::STEP, self.us)
            .max(Self::LEAST_US);
        self.belief = 1.0;
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn us(us: u64) -> Duration {
        Duration::from_micros(us)
    }

    /// A pace that has seen many of both.
    fn learned(single: Duration, batch_of_100: Duration) -> Pace {
        let mut pace = Pace::new();
        for _ in 0..50 {
            pace.batch_took(100, 0, batch_of_100);
            (0..ROW).for_each(|_| pace.single_took(single));
        }
        pace
    }

    #[test]
    fn it_learns_from_which_size_on_a_batch_pays() {
        let slow_files = learned(us(160), us(12_500));
        let slow_disk = learned(us(1_000), us(8_000));
        assert!((70..=73).contains(&slow_files.break_even()));
        assert!((4..=6).contains(&slow_disk.break_even()));
    }

    /// Writers that wait for each answer: as many as a batch pays for do not stay with singles
    /// because some of theirs are always in flight.
    #[test]
    fn writers_become_a_batch_as_soon_as_there_are_enough_of_them() {
        let pace = learned(us(440), us(11_000));
        let break_even = pace.break_even();
        assert!((16..=19).contains(&break_even));
        assert_eq!(pace.way(16, 16), Way::Later);
        assert_eq!(pace.way(break_even, 12), Way::Batch);
        // Too few in all, or nobody is answered soon: none of them waits.
        assert_eq!(pace.way(4, 12), Way::Singles);
        assert_eq!(pace.way(break_even - 1, 0), Way::Singles);
        assert_eq!(pace.way(1, break_even), Way::Singles);
    }

    #[test]
    fn one_odd_time_changes_little() {
        let mut pace = Pace::new();
        let before = pace.break_even();
        pace.batch_took(100, 0, Duration::from_mins(1));
        assert!(pace.break_even() <= 2 * before);
        pace.batch_took(100, 0, Duration::ZERO);
        assert!(pace.break_even() >= before / 2);
    }

    #[test]
    fn singles_before_a_batch_do_not_count_as_its_cost() {
        let (mut behind, mut alone) = (Pace::new(), Pace::new());
        behind.batch_took(20, 10, us(9_000));
        alone.batch_took(20, 0, us(6_000));
        assert_eq!(behind.break_even(), alone.break_even());
    }

    #[test]
    fn batches_are_tried_again_but_not_all_the_time() {
        let mut pace = learned(us(160), us(12_500));
        let learned = pace.break_even();
        (0..1_000).for_each(|_| pace.single_took(us(160)));
        assert!(pace.break_even() * 20 > learned * 19);
        (0..1_000_000).for_each(|_| pace.single_took(us(160)));
        assert!(pace.break_even() * 10 < learned * 7);
        assert!(pace.break_even() * 2 > learned);
    }

    #[test]
    fn singles_are_tried_again_when_a_stall_made_them_look_slow() {
        let mut pace = learned(us(160), us(12_500));
        let learned = pace.break_even();
        (0..ROW).for_each(|_| pace.single_took(us(2_000)));
        let stalled = pace.break_even();
        assert!(stalled < learned);
        (0..100).for_each(|_| pace.batch_took(64, 0, us(11_060)));
        assert!(pace.break_even() > stalled * 3 / 2);
    }
}
