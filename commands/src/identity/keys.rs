//! The keys that sign access tokens, one after another.
//!
//! Invariant: a key is published before it signs, for longer than anybody may remember the keys
//! there were, and stays published until the last token that it signed has ended. There is always
//! one that signs.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Timestamp;
use serde::{Deserialize, Serialize};

use super::tokens::ACCESS_S;
use crate::Failure;

/// What the ring is called in the vault.
pub(super) const RING: &str = "watched.keys";
/// How long a key is published before it signs; what is published may be remembered for a minute.
pub(super) const AHEAD_MS: i64 = 5 * 60_000;
/// How long a key stays published after it has signed its last token; clocks may differ.
pub(super) const OVERLAP_MS: i64 = ACCESS_S * 1_000 + 60_000;
/// How long a key signs before the next is made by itself; with the time ahead it is below 90 days.
pub(super) const SIGNS_MS: i64 = 89 * 24 * 3_600_000;

/// The keys there are, in the order in which they sign. Never empty.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Ring(Vec<Key>);

/// A private key.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Key {
    /// PKCS #8 in base64url.
    pkcs8: String,
    /// When the one before it stops.
    pub(super) signs_from: Timestamp,
}

impl Key {
    /// A new key, made by chance, for the time from `signs_from` on.
    pub(super) fn make(signs_from: Timestamp) -> Result<Self, Failure> {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .map_err(|_| Failure::Unavailable("no signing key could be made".into()))?;
        let pkcs8 = URL_SAFE_NO_PAD.encode(made.as_ref());
        Ok(Self { pkcs8, signs_from })
    }

    pub(super) fn pkcs8(&self) -> Result<Vec<u8>, Failure> {
        let decoded = URL_SAFE_NO_PAD.decode(&self.pkcs8);
        decoded.map_err(|_| Failure::Corrupt("a signing key".into()))
    }
}

impl Ring {
    /// A ring of one key.
    pub(super) fn of(key: Key) -> Self {
        Self(vec![key])
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a ring always encodes")
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Failure> {
        let ring: Self = serde_json::from_slice(bytes)
            .map_err(|reason| Failure::Corrupt(format!("the signing keys: {reason}")))?;
        if ring.0.is_empty() {
            return Err(Failure::Corrupt("there is no signing key".into()));
        }
        Ok(ring)
    }

    /// Each key with the moment from which its tokens are no longer valid, if there is one.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&Key, Option<Timestamp>)> {
        let ends = self.0.iter().skip(1);
        let ends = ends.map(|next| Some(next.signs_from.plus_ms(OVERLAP_MS)));
        self.0.iter().zip(ends.chain([None]))
    }

    /// Whether there is a key that is yet to sign.
    pub(super) fn is_rotating(&self, now: Timestamp) -> bool {
        self.last().signs_from > now
    }

    /// Whether the last key has signed for so long that another must follow.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        now >= self.last().signs_from.plus_ms(SIGNS_MS)
    }

    /// When the last key begins to sign.
    pub(super) fn last(&self) -> &Key {
        self.0.last().expect("a ring is never empty")
    }

    /// The same with `key` as the last, and without those whose tokens have all ended.
    pub(super) fn followed_by(&self, key: Key, now: Timestamp) -> Self {
        let kept = self.keys();
        let kept = kept.filter(|(_, ends)| ends.is_none_or(|ends| now < ends));
        let mut kept: Vec<_> = kept.map(|(key, _)| key.clone()).collect();
        kept.push(key);
        Self(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);

    fn key(signs_from: Timestamp) -> Key {
        Key::make(signs_from).expect("a key")
    }

    #[test]
    fn a_key_follows_before_ninety_days_are_over() {
        let ring = Ring::of(key(NOW));
        assert!(!ring.is_due(NOW.plus_ms(SIGNS_MS - 1)));
        let due = NOW.plus_ms(SIGNS_MS);
        assert!(ring.is_due(due));
        let next = ring.followed_by(key(due.plus_ms(AHEAD_MS)), due);
        assert!(next.is_rotating(due) && !next.is_due(due));
        let signs_ms = next.last().signs_from.since_ms(NOW);
        assert!(signs_ms < 90 * 24 * 3_600_000);
    }

    #[test]
    fn a_key_leaves_when_its_last_token_has_ended() {
        let second = NOW.plus_ms(AHEAD_MS);
        let ring = Ring::of(key(NOW)).followed_by(key(second), NOW);
        let ends: Vec<_> = ring.keys().map(|(_, ends)| ends).collect();
        assert_eq!(ends, [Some(second.plus_ms(OVERLAP_MS)), None]);
        let before = second.plus_ms(OVERLAP_MS - 1);
        let later = before.plus_ms(AHEAD_MS);
        assert_eq!(ring.followed_by(key(later), before).0.len(), 3);
        let after = second.plus_ms(OVERLAP_MS);
        assert_eq!(ring.followed_by(key(later), after).0.len(), 2);
    }

    #[test]
    fn a_ring_survives_the_vault_and_an_empty_one_is_refused() {
        let ring = Ring::of(key(NOW));
        let again = Ring::decode(&ring.encode()).expect("a ring");
        assert_eq!(again.last().pkcs8, ring.last().pkcs8);
        assert!(Ring::decode(b"[]").is_err() && Ring::decode(b"x").is_err());
    }
}
