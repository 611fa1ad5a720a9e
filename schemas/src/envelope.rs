//! The commit: what one command caused on one aggregate, as one message of the log.
//!
//! Invariant: everything but the events themselves is known without decoding the payload, and the
//! hash of a commit covers all of it together with the hash of the commit before, so that nothing
//! in the history of an aggregate can be altered, dropped or reordered unseen.

use domain::{Actor, AggregateKind, CommandId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A commit's place in the log, from 1; 0 is before the first.
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub u64);

/// How many commits an aggregate has, from 1; this is its `ETag`.
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Version(pub u64);

/// Which aggregate of which tenant.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StreamId {
    /// Its owner.
    pub tenant: TenantId,
    /// What it is.
    pub kind: AggregateKind,
    /// Which one.
    pub id: Uuid,
}

/// A SHA-256 digest.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Hash(pub [u8; 32]);

/// The text is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a SHA-256 digest in hexadecimal")]
pub struct InvalidHash;

/// What is known of a commit without decoding it; travels in the message's headers.
#[derive(Clone, Debug, PartialEq)]
pub struct Meta {
    /// Who asked.
    pub actor: Actor,
    /// The command or event that led to the command, if one did.
    pub causation: Option<Uuid>,
    /// The command that caused it; at most one commit per aggregate bears it.
    pub command: CommandId,
    /// What belongs together across aggregates.
    pub correlation: Uuid,
    /// Digest of the request's body, which tells a retry from a reuse of its idempotency key.
    pub fingerprint: Option<Hash>,
    /// Digest of this commit.
    pub hash: Hash,
    /// Digest of the aggregate's commit before it; zero for the first.
    pub previous: Hash,
    /// When the command was asked.
    pub time: Timestamp,
    /// W3C trace context of the request.
    pub traceparent: Option<String>,
    /// The aggregate's version after it.
    pub version: Version,
}

/// One message of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// What is known without decoding.
    pub meta: Meta,
    /// The events, as written: see [`crate::catalogue`].
    pub payload: Vec<u8>,
    /// Its place in the log.
    pub position: Position,
    /// Whose history it belongs to.
    pub stream: StreamId,
}

impl Position {
    /// The place after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Version {
    /// The version after one more commit.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Hash {
    /// What stands for "no commit before".
    pub const ZERO: Self = Self([0; 32]);
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).expect("digits are ASCII"))
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Hash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 64 {
            return Err(InvalidHash);
        }
        let (mut digest, mut read) = ([0; 32], 0);
        // Every commit that is read has two of them, so they are read without a branch for each
        // digit.
        for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let [high, low] = [pair[0], pair[1]].map(|digit| NIBBLES[usize::from(digit)]);
            *byte = high << 4 | low;
            read |= high | low;
        }
        if read & NO_DIGIT != 0 {
            return Err(InvalidHash);
        }
        Ok(Self(digest))
    }
}

/// Set in what stands for no hexadecimal digit.
const NO_DIGIT: u8 = 0x80;
/// What each byte stands for as a hexadecimal digit.
const NIBBLES: [u8; 256] = {
    let mut nibbles = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        nibbles[b"0123456789abcdef"[value] as usize] = value as u8;
        nibbles[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    nibbles
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_survive_text() {
        let hash = Hash(std::array::from_fn(|i| i as u8 * 7));
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(hash.to_string().to_uppercase().parse(), Ok(hash));
        assert_eq!("00".parse::<Hash>(), Err(InvalidHash));
        for wrong in (0..128_u8)
            .map(char::from)
            .filter(|c| !c.is_ascii_hexdigit())
        {
            for at in [0, 31, 63] {
                let mut text = hash.to_string();
                text.replace_range(at..=at, wrong.encode_utf8(&mut [0; 4]));
                assert_eq!(text.parse::<Hash>(), Err(InvalidHash), "{text:?}");
            }
        }
    }
}
