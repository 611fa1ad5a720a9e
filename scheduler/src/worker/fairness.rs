//! Whose turn it is: deficit round robin over the priorities (Shreedhar and Varghese 1995),
//! 8:4:2:1.
//!
//! Invariant: while anybody waits somebody is served; each waiting class gets at least its share of
//! the turns, and one that waits past its target gets more, so low work waits long but not for
//! ever.

use std::time::Duration;

/// How many priorities there are.
pub const CLASSES: usize = 4;

/// Turns in each round, the most urgent class first.
const QUANTA: [f64; CLASSES] = [8.0, 4.0, 2.0, 1.0];
/// How long each class may wait before its share grows.
const TARGETS: [Duration; CLASSES] = [
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
];
/// How much a share grows at most.
const AGING_MAX: f64 = 8.0;

/// Takes turns.
#[derive(Debug)]
pub struct Fairness {
    deficits: [f64; CLASSES],
    turn: usize,
}

impl Default for Fairness {
    fn default() -> Self {
        Self {
            deficits: [0.0; CLASSES],
            turn: CLASSES - 1,
        }
    }
}

impl Fairness {
    /// The class to serve next among those that wait, given how long each has waited in the queue,
    /// whoever held it; none if nobody waits.
    pub fn pick(&mut self, waited: [Option<Duration>; CLASSES]) -> Option<usize> {
        if waited.iter().all(Option::is_none) {
            return None;
        }
        loop {
            if waited[self.turn].is_none() {
                // Who has nothing to do saves up nothing.
                self.deficits[self.turn] = 0.0;
            } else if self.deficits[self.turn] >= 1.0 {
                self.deficits[self.turn] -= 1.0;
                return Some(self.turn);
            }
            self.turn = (self.turn + 1) % CLASSES;
            if let Some(waited) = waited[self.turn] {
                self.deficits[self.turn] += QUANTA[self.turn] * aging(self.turn, waited);
            }
        }
    }
}

fn aging(class: usize, waited: Duration) -> f64 {
    let ratio = waited.as_secs_f64() / TARGETS[class].as_secs_f64();
    ratio.clamp(1.0, AGING_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Option<Duration> = Some(Duration::ZERO);

    fn serve(turns: usize, waited: [Option<Duration>; CLASSES]) -> [usize; CLASSES] {
        let mut fairness = Fairness::default();
        let mut served = [0; CLASSES];
        for _ in 0..turns {
            served[fairness.pick(waited).expect("somebody waits")] += 1;
        }
        served
    }

    #[test]
    fn shares_are_eight_to_four_to_two_to_one() {
        assert_eq!(serve(150, [NOW; CLASSES]), [80, 40, 20, 10]);
    }

    #[test]
    fn the_first_turn_goes_to_the_most_urgent() {
        assert_eq!(Fairness::default().pick([NOW; CLASSES]), Some(0));
        assert_eq!(Fairness::default().pick([None, None, NOW, NOW]), Some(2));
    }

    #[test]
    fn nobody_is_idle_while_anybody_waits() {
        assert_eq!(serve(10, [None, None, None, NOW]), [0, 0, 0, 10]);
        assert_eq!(Fairness::default().pick([None; CLASSES]), None);
    }

    #[test]
    fn who_waits_too_long_gets_more() {
        let long = Some(Duration::from_mins(2));
        let served = serve(180, [NOW, NOW, NOW, long]);
        assert_eq!(served, [80, 40, 20, 40]);
    }

    proptest! {
        #[test]
        fn a_class_that_waits_is_served_within_bounded_turns(
            rounds in prop::collection::vec(prop::array::uniform4(any::<bool>()), 1..200),
        ) {
            let mut fairness = Fairness::default();
            let mut turns_without_low = 0;
            for mut waiting in rounds {
                waiting[3] = true;
                let picked = fairness.pick(waiting.map(|waits| waits.then_some(Duration::ZERO)));
                let picked = picked.expect("low waits");
                prop_assert!(waiting[picked]);
                turns_without_low = if picked == 3 { 0 } else { turns_without_low + 1 };
                prop_assert!(turns_without_low <= 14 + 8);
            }
        }
    }
}
