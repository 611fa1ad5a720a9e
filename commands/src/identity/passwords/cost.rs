//! What a password's hash costs, and how a kept hash tells what it did.
//!
//! Invariant: a hash is compared with one of the same cost; costs are added at the end and never
//! changed, since what is kept names them by their place.

use argon2_rust::{
    Algorithm, Argon2, Hasher, Params, Version,
    params::{Memory, TagLen},
};

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

    /// The hash of `password`, computed in the memory of `hasher`.
    pub(super) fn hash(self, password: &[u8], hasher: &mut Hasher) -> Option<[u8; HASH_LEN]> {
        let cost = COSTS.get(usize::from(self.cost))?;
        hasher.set_argon2(cost.argon2()?);
        let mut hash = [0; HASH_LEN];
        let computed = hasher.hash_into(password, &self.salt, &mut hash);
        computed.ok().map(|()| hash)
    }
}

impl Cost {
    fn argon2(self) -> Option<Argon2> {
        let params = Params::builder()
            .memory(Memory::kib(self.memory_kib.into()))
            .passes(self.passes)
            .lanes(1)
            .tag_len(TagLen::bytes(HASH_LEN as u64));
        let params = params.build().ok()?;
        Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

/// What hashes are computed in; it holds no memory before the first.
pub(super) fn hasher() -> Hasher {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default()).hasher()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What another implementation makes of it.
    fn elsewhere(cost: Cost, salt: [u8; SALT_LEN], password: &[u8]) -> [u8; HASH_LEN] {
        let params = argon2::Params::new(cost.memory_kib, cost.passes, 1, Some(HASH_LEN));
        let (algorithm, version) = (argon2::Algorithm::Argon2id, argon2::Version::V0x13);
        let argon2 = argon2::Argon2::new(algorithm, version, params.expect("parameters"));
        let mut hash = [0; HASH_LEN];
        let computed = argon2.hash_password_into(password, &salt, &mut hash);
        computed.expect("a hash");
        hash
    }

    #[test]
    fn another_implementation_makes_the_same_hashes() {
        let mut hasher = hasher();
        for (place, cost) in (0..).zip(COSTS) {
            for length in [1, 8, 63, 64, 65, 128, 129, 1_000] {
                let salt = [length as u8; SALT_LEN];
                let password = vec![b'p'; length];
                let recipe = Recipe { cost: place, salt };
                let hash = recipe.hash(&password, &mut hasher).expect("a hash");
                assert_eq!(hash, elsewhere(cost, salt, &password), "{cost:?} {length}");
            }
        }
    }

    #[test]
    fn a_kept_hash_tells_its_cost_also_one_of_before_they_did() {
        let (salt, password) = ([7; SALT_LEN], b"a good one");
        for (cost, outdated) in [(0, true), (1, true), (CURRENT, false)] {
            let recipe = Recipe { cost, salt };
            let hash = recipe.hash(password, &mut hasher()).expect("a hash");
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
            recipe.hash(b"a good one", &mut hasher()).expect("a hash")
        });
        hashes.sort_unstable();
        assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
