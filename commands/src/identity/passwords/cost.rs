//! What a password's hash costs, and how a kept hash tells what it did.
//!
//! Invariant: a hash is compared with one of the same cost; costs are added at the end and never
//! changed, since what is kept names them by their place.

use argon2::{Algorithm, Argon2, Block, Params, Version};

pub(super) const SALT_LEN: usize = 16;
pub(super) const HASH_LEN: usize = 32;

/// Pairs that OWASP and ASVS 5.0 (appendix B) hold for equally good, in the order of their use.
/// Each takes a tenth less of a core than the one before, since more of it stays in the processor's
/// cache.
const COSTS: [Cost; 3] = [
    Cost {
        memory_kib: 19 * 1024,
        passes: 2,
    },
    Cost {
        memory_kib: 12 * 1024,
        passes: 3,
    },
    Cost {
        memory_kib: 7 * 1024,
        passes: 5,
    },
];
/// What new hashes cost, by its place.
const CURRENT: u8 = 2;

/// The memory and the time of argon2id with one lane.
#[derive(Clone, Copy, Debug)]
struct Cost {
    memory_kib: u32,
    passes: u32,
}

/// A password as it is kept: the place of its cost, unless it is the first; salt; hash.
pub(in crate::identity) struct Hashed(Vec<u8>);

/// What a password must be hashed with to be compared.
#[derive(Clone, Copy)]
pub(super) struct Recipe {
    cost: u8,
    salt: [u8; SALT_LEN],
}

impl Hashed {
    pub(super) fn new(recipe: Recipe, hash: [u8; HASH_LEN]) -> Self {
        Self([&[recipe.cost], recipe.salt.as_slice(), &hash].concat())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Recipe {
    /// What a new password is hashed with.
    pub(super) const fn new(salt: [u8; SALT_LEN]) -> Self {
        let cost = CURRENT;
        Self { cost, salt }
    }

    /// What `kept` was hashed with, and its hash; none if it is no password.
    pub(super) fn of(kept: &[u8]) -> Option<(Self, &[u8; HASH_LEN])> {
        let (cost, rest) = match kept.len() {
            length if length == SALT_LEN + HASH_LEN => (0, kept),
            _ => kept.split_first().map(|(cost, rest)| (*cost, rest))?,
        };
        COSTS.get(usize::from(cost))?;
        let (salt, hash) = rest.split_first_chunk()?;
        Some((Self { cost, salt: *salt }, hash.try_into().ok()?))
    }

    /// What it costs, by its place.
    pub(super) const fn cost(self) -> u8 {
        self.cost
    }

    /// Whether new hashes cost something else by now.
    pub(super) const fn is_outdated(self) -> bool {
        self.cost != CURRENT
    }

    /// The hash of `password`, computed in `memory`.
    pub(super) fn hash(self, password: &[u8], memory: &mut Vec<Block>) -> Option<[u8; HASH_LEN]> {
        let Cost { memory_kib, passes } = *COSTS.get(usize::from(self.cost))?;
        let params = Params::new(memory_kib, passes, 1, Some(HASH_LEN)).ok()?;
        memory.resize(params.block_count(), Block::default());
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut hash = [0; HASH_LEN];
        let computed =
            argon2.hash_password_into_with_memory(password, &self.salt, &mut hash, memory);
        computed.ok().map(|()| hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_hash_tells_its_cost_also_one_of_before_they_did() {
        let (salt, password) = ([7; SALT_LEN], b"a good one");
        for (cost, outdated) in [(0, true), (1, true), (CURRENT, false)] {
            let recipe = Recipe { cost, salt };
            let hash = recipe.hash(password, &mut Vec::new()).expect("a hash");
            let kept = Hashed::new(recipe, hash);
            let skipped = usize::from(cost == 0);
            let (found, expected) = Recipe::of(&kept.as_bytes()[skipped..]).expect("a password");
            assert_eq!((found.cost, found.salt, expected), (cost, salt, &hash));
            assert_eq!(found.is_outdated(), outdated);
        }
        assert!(Recipe::of(&[]).is_none() && Recipe::of(&[1; 48 + 2]).is_none());
        assert!(Recipe::of(&[3; 49]).is_none(), "a cost of a later program");
    }

    #[test]
    fn costs_make_different_hashes() {
        let mut hashes = [0, 1, 2].map(|cost| {
            let recipe = Recipe {
                cost,
                salt: [7; SALT_LEN],
            };
            recipe.hash(b"a good one", &mut Vec::new()).expect("a hash")
        });
        hashes.sort_unstable();
        assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
