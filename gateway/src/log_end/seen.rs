//! Where the log was seen to end, and when: what bounds the age of an answer.
//!
//! Invariant: a bound is never too small. A sight is dated before the log is asked, and an answer
//! is as young as the last sight of an end that it reaches.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use schemas::Position;

/// How many ends are remembered; seen four times a second, those of a quarter of an hour at least.
const REMEMBERED: usize = 4_096;

/// The ends that were seen, ascending, each with when it was last seen.
#[derive(Default)]
pub(super) struct Seen(VecDeque<(Position, Instant)>);

impl Seen {
    /// The log was asked at `asked`, and ended at `end`.
    pub fn note(&mut self, end: Position, asked: Instant) {
        // A log that was put back says nothing about the one that was seen before.
        if self.0.back().is_some_and(|(last, _)| *last > end) {
            self.0.clear();
        }
        match self.0.back_mut() {
            Some((last, when)) if *last == end => *when = asked.max(*when),
            _ => self.0.push_back((end, asked)),
        }
        if self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
    }

    /// How long ago all was in the log that an answer as of `position` holds, at most; none if the
    /// log has not been seen to end so early.
    pub fn age(&self, position: Position, now: Instant) -> Option<Duration> {
        let reached = self.0.partition_point(|(end, _)| *end <= position);
        let (_, seen) = self.0.get(reached.checked_sub(1)?)?;
        Some(now.saturating_duration_since(*seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_as_old_as_the_last_end_that_it_reaches() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let age = |seen: &Seen, position, ms| {
            let age = seen.age(Position(position), at(ms));
            age.map(|age| age.as_millis())
        };
        let mut seen = Seen::default();
        assert_eq!(age(&seen, 5, 0), None);
        seen.note(Position(5), at(100));
        seen.note(Position(5), at(350));
        seen.note(Position(9), at(600));
        assert_eq!(age(&seen, 4, 700), None, "it was never seen to end there");
        assert_eq!(age(&seen, 5, 700), Some(350));
        assert_eq!(age(&seen, 8, 700), Some(350));
        assert_eq!(age(&seen, 9, 700), Some(100));
        assert_eq!(age(&seen, 12, 700), Some(100));
        // Two that ask at once may be heard in any order.
        seen.note(Position(9), at(500));
        assert_eq!(age(&seen, 9, 700), Some(100));
        seen.note(Position(7), at(800));
        assert_eq!(age(&seen, 5, 900), None, "that was another log");
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut seen = Seen::default();
        let now = Instant::now();
        for end in 1..=REMEMBERED as u64 + 1 {
            seen.note(Position(end), now);
        }
        assert_eq!(seen.0.len(), REMEMBERED);
        assert_eq!(seen.age(Position(1), now), None);
        assert!(seen.age(Position(2), now).is_some());
    }
}
