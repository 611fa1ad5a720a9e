//! What was used lately, within bounds.
//!
//! Invariant: nothing is forgotten during a batch, so what the batch has loaded is there to the
//! end.

use std::{collections::HashMap, hash::Hash};

/// How many entries a generation may have.
const ENTRIES: usize = 20_000;
/// How many bytes, roughly, a generation may have.
const BYTES: usize = 64 << 20;

/// Two generations: the old one is forgotten when the young one is full.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    bounds: Bounds,
    bytes: usize,
    old: HashMap<K, V>,
    young: HashMap<K, V>,
}

/// How much a generation may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Roughly.
    pub(super) bytes: usize,
    pub(super) entries: usize,
}

impl Bounds {
    /// Nothing is ever forgotten.
    pub(super) const NONE: Self = Self {
        bytes: usize::MAX,
        entries: usize::MAX,
    };
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self::within(Bounds {
            bytes: BYTES,
            entries: ENTRIES,
        })
    }
}

impl<K, V> Recent<K, V> {
    pub(super) fn within(bounds: Bounds) -> Self {
        Self {
            bounds,
            bytes: 0,
            old: HashMap::new(),
            young: HashMap::new(),
        }
    }
}

impl<K: Eq + Hash, V> Recent<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    pub(super) fn insert(&mut self, key: K, value: V, bytes: usize) {
        self.bytes += bytes;
        self.young.insert(key, value);
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }

    /// Ends a batch: makes room if there is need.
    pub(super) fn settle(&mut self) {
        if self.young.len() > self.bounds.entries || self.bytes > self.bounds.bytes {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::within(self.bounds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let mut recent = Recent::default();
        for round in 0..5 {
            recent.insert(0, round, 1);
            for n in 1..=ENTRIES {
                recent.insert(round * ENTRIES + n, 0, 1);
            }
            recent.settle();
        }
        assert_eq!(recent.get(&0), Some(&4));
        assert_eq!(recent.get(&1), None, "an old entry should be gone");
        assert!(recent.young.len() + recent.old.len() <= 2 * ENTRIES + 2);
    }
}
