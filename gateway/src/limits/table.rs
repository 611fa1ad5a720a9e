//! Counts by key, in bounded memory.
//!
//! Invariant: a count is never too low. Where there is no room, a new key takes over the least
//! count of its shard and adds to it ("Space-Saving", Metwally, Agrawal and El Abbadi 2005), so
//! that nobody gets a fresh count by flooding the table with keys.

use std::{
    hash::{BuildHasher as _, Hash, RandomState},
    sync::{Mutex, PoisonError},
};

use domain::Timestamp;

/// Shards, and keys in one of them: 65,536 keys, of some 40 bytes each.
const SHARDS: usize = 1_024;
const SLOTS: usize = 64;

/// Counts, each of which is forgotten `lasts_ms` after its `since`.
pub(super) struct Table<K> {
    /// Seeded for each process, so that nobody can aim at one shard.
    hasher: RandomState,
    lasts_ms: i64,
    shards: Box<[Mutex<Vec<Slot<K>>>]>,
}

/// The count of one key.
pub(super) struct Slot<K> {
    pub count: u32,
    key: K,
    pub since: Timestamp,
}

impl<K: Copy + Eq + Hash> Table<K> {
    pub fn new(lasts_ms: i64) -> Self {
        Self {
            hasher: RandomState::new(),
            lasts_ms,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// What `ask` makes of the count of `key`, which is 0 since `now` if there is none.
    pub fn with<T>(&self, key: K, now: Timestamp, ask: impl FnOnce(&mut Slot<K>) -> T) -> T {
        let mut slots = self.lock(key);
        let at = self.place(&mut slots, key, now);
        let slot = &mut slots[at];
        // A clock that was set back must not make a window longer.
        slot.since = slot.since.min(now);
        ask(slot)
    }

    /// The same, if `key` has a count.
    pub fn with_known(&self, key: K, ask: impl FnOnce(&mut Slot<K>)) {
        let mut slots = self.lock(key);
        if let Some(slot) = slots.iter_mut().find(|slot| slot.key == key) {
            ask(slot);
        }
    }

    fn lock(&self, key: K) -> std::sync::MutexGuard<'_, Vec<Slot<K>>> {
        let shard = self.hasher.hash_one(key) as usize % SHARDS;
        let shard = &self.shards[shard];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, slots: &mut Vec<Slot<K>>, key: K, now: Timestamp) -> usize {
        let fresh = Slot {
            count: 0,
            key,
            since: now,
        };
        let has_ended = |slot: &Slot<K>| now.since_ms(slot.since) >= self.lasts_ms;
        let known = slots.iter().position(|slot| slot.key == key);
        if let Some(at) = known.or_else(|| slots.iter().position(has_ended)) {
            if slots[at].key != key || has_ended(&slots[at]) {
                slots[at] = fresh;
            }
            return at;
        }
        if slots.len() < SLOTS {
            slots.push(fresh);
            return slots.len() - 1;
        }
        let least = slots.iter().enumerate().min_by_key(|(_, slot)| slot.count);
        let least = least.map_or(0, |(at, _)| at);
        slots[least].key = key;
        least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_000_000);

    fn count(table: &Table<u64>, key: u64, now: Timestamp) -> u32 {
        table.with(key, now, |slot| {
            slot.count += 1;
            slot.count
        })
    }

    #[test]
    fn each_key_has_its_count_until_it_is_forgotten() {
        let table = Table::new(1_000);
        assert_eq!((count(&table, 1, NOW), count(&table, 1, NOW)), (1, 2));
        assert_eq!(count(&table, 2, NOW), 1);
        assert_eq!(count(&table, 1, NOW.plus_ms(999)), 3);
        assert_eq!(count(&table, 1, NOW.plus_ms(1_000)), 1);
    }

    #[test]
    fn a_clock_that_is_set_back_neither_resets_nor_lengthens() {
        let table = Table::new(1_000);
        count(&table, 1, NOW);
        let earlier = NOW.plus_ms(-60_000);
        assert_eq!(count(&table, 1, earlier), 2);
        assert_eq!(count(&table, 1, earlier.plus_ms(1_000)), 1);
    }

    #[test]
    fn a_flood_of_keys_takes_no_memory_and_resets_no_count() {
        let table = Table::new(1_000);
        for _ in 0..100 {
            count(&table, 0, NOW);
        }
        let flood = (SHARDS * SLOTS * 4) as u64;
        for key in 1..=flood {
            count(&table, key, NOW);
        }
        assert_eq!(count(&table, 0, NOW), 101, "pushed out by strangers");
        let kept = table.shards.iter();
        let kept = kept.map(|shard| shard.lock().expect("not poisoned").len());
        assert!(kept.max() <= Some(SLOTS));
        assert!(
            count(&table, 1, NOW) >= 2,
            "pushed out, and back with a fresh count"
        );
    }

    #[test]
    fn what_has_ended_makes_room() {
        let table = Table::new(1_000);
        for key in 0..(SHARDS * SLOTS * 4) as u64 {
            count(&table, key, NOW);
        }
        assert_eq!(count(&table, u64::MAX, NOW.plus_ms(1_000)), 1);
    }
}
