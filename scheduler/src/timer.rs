//! What is to be done when: an ordered map of instants with a resolution of one millisecond.
//!
//! Invariant: a key stands at one instant at most. Setting it again moves it, removing it forgets
//! it, and each entry bears a generation of its own, so an entry that was moved can never come due.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

use domain::Timestamp;

/// Keys in the order in which they come due; equal instants in the order in which they were set.
#[derive(Debug)]
pub struct Timer<K> {
    entries: HashMap<K, Entry>,
    generation: u64,
    queue: BTreeMap<Entry, K>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Entry {
    at: Timestamp,
    generation: u64,
}

impl<K> Default for Timer<K> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            generation: 0,
            queue: BTreeMap::new(),
        }
    }
}

impl<K: Clone + Eq + Hash> Timer<K> {
    /// The earliest instant at which something is due.
    pub fn next(&self) -> Option<Timestamp> {
        self.queue.first_key_value().map(|(entry, _)| entry.at)
    }

    /// Takes the earliest key that is due at `now`.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<K> {
        let first = self.queue.first_entry()?;
        if first.key().at > now {
            return None;
        }
        let key = first.remove();
        self.entries.remove(&key);
        Some(key)
    }

    /// Forgets `key`.
    pub fn remove(&mut self, key: &K) {
        if let Some(entry) = self.entries.remove(key) {
            self.queue.remove(&entry);
        }
    }

    /// Has `key` come due at `at`, and at no other instant.
    pub fn set(&mut self, key: K, at: Timestamp) {
        self.generation += 1;
        let entry = Entry {
            at,
            generation: self.generation,
        };
        if let Some(before) = self.entries.insert(key.clone(), entry) {
            self.queue.remove(&before);
        }
        self.queue.insert(entry, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::Clock;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn due(timer: &mut Timer<&'static str>, clock: &Clock) -> Vec<&'static str> {
        std::iter::from_fn(|| timer.pop_due(clock.now())).collect()
    }

    #[test]
    fn comes_due_in_order_to_the_millisecond() {
        let clock = Clock::manual(at(0));
        let mut timer = Timer::default();
        timer.set("later", at(11));
        timer.set("first", at(10));
        timer.set("second", at(10));
        assert_eq!(timer.next(), Some(at(10)));
        clock.set(at(9));
        assert!(due(&mut timer, &clock).is_empty());
        clock.set(at(10));
        assert_eq!(due(&mut timer, &clock), ["first", "second"]);
        clock.set(at(11));
        assert_eq!(due(&mut timer, &clock), ["later"]);
        assert_eq!(timer.next(), None);
    }

    #[test]
    fn what_was_moved_or_removed_does_not_come_due() {
        let clock = Clock::manual(at(100));
        let mut timer = Timer::default();
        timer.set("moved", at(10));
        timer.set("moved", at(200));
        timer.set("removed", at(10));
        timer.remove(&"removed");
        timer.remove(&"never set");
        assert!(due(&mut timer, &clock).is_empty());
        clock.set(at(200));
        assert_eq!(due(&mut timer, &clock), ["moved"]);
    }

    #[test]
    fn a_clock_that_jumps_forward_finds_all_and_backward_finds_none() {
        let clock = Clock::manual(at(1_000));
        let mut timer = Timer::default();
        timer.set("a", at(1_500));
        timer.set("b", at(90_000));
        clock.set(at(10));
        assert!(due(&mut timer, &clock).is_empty());
        clock.set(at(100_000));
        assert_eq!(due(&mut timer, &clock), ["a", "b"]);
    }
}
