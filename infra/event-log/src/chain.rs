//! The hash chain of an aggregate: each commit covers itself and the one before.
//!
//! Invariant: [`seal`] covers every part of a commit that is known before it is stored, each
//! preceded by its length so that no two commits read alike; a position is not covered, since the
//! log gives it.

use aws_lc_rs::digest::{Context, SHA256};
use schemas::{Commit, Hash, Meta, Position, StreamId};

use crate::{Entry, Unreadable, subject};

/// About how many bytes of a commit are digested besides its payload.
const HEAD_BYTES: usize = 512;

/// A commit that wants to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCommit {
    /// Where the aggregate's last commit is; 0 if this is its first.
    pub expected: Position,
    /// What is known without decoding.
    pub meta: Meta,
    /// The encoded events.
    pub payload: Vec<u8>,
    /// Whose history it continues.
    pub stream: StreamId,
}

/// The digest of a commit; `meta.hash` itself is not part of it.
pub fn seal(stream: StreamId, meta: &Meta, payload: &[u8]) -> Hash {
    // The small parts go into the digest together: a call for each costs more than they do.
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let mut part = |bytes: &[u8]| {
        head.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        head.extend_from_slice(bytes);
    };
    part(&meta.previous.0);
    part(subject::of(stream).as_bytes());
    part(&meta.version.0.to_be_bytes());
    part(meta.command.uuid().as_bytes());
    part(meta.correlation.as_bytes());
    part(
        meta.causation
            .as_ref()
            .map_or(&[], |id| id.as_bytes().as_slice()),
    );
    part(meta.actor.to_string().as_bytes());
    part(&meta.time.unix_ms().to_be_bytes());
    part(
        meta.fingerprint
            .as_ref()
            .map_or(&[], |hash| hash.0.as_slice()),
    );
    part(meta.traceparent.as_deref().unwrap_or_default().as_bytes());
    head.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    let mut digest = Context::new(&SHA256);
    digest.update(&head);
    digest.update(payload);
    let mut hash = Hash::ZERO;
    hash.0.copy_from_slice(digest.finish().as_ref());
    hash
}

/// The digest that stands for `entry` in the tree over the log; what is no commit counts as well.
pub fn leaf(entry: &Entry) -> Hash {
    match entry {
        Entry::Commit(commit) => seal(commit.stream, &commit.meta, &commit.payload),
        Entry::Unreadable(Unreadable {
            subject, payload, ..
        }) => {
            // No commit's digest begins with the length of this word.
            let mut digest = Context::new(&SHA256);
            for part in [b"unreadable", subject.as_bytes(), payload] {
                digest.update(&(part.len() as u64).to_be_bytes());
                digest.update(part);
            }
            let mut hash = Hash::ZERO;
            hash.0.copy_from_slice(digest.finish().as_ref());
            hash
        }
    }
}

impl NewCommit {
    /// This commit as the log holds it at `position`.
    pub fn stored_at(self, position: Position) -> Commit {
        Commit {
            meta: self.meta,
            payload: self.payload,
            position,
            stream: self.stream,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use domain::{Actor, AggregateKind, CommandId, TenantId, Timestamp};
    use schemas::Version;
    use uuid::Uuid;

    pub(crate) fn stream(id: u128) -> StreamId {
        StreamId {
            tenant: TenantId::new(Uuid::from_u128(1)),
            kind: AggregateKind::Task,
            id: Uuid::from_u128(id),
        }
    }

    pub(crate) fn meta() -> Meta {
        Meta {
            actor: Actor::System("test".into()),
            causation: None,
            command: CommandId::new(Uuid::from_u128(2)),
            correlation: Uuid::from_u128(3),
            fingerprint: None,
            hash: Hash::ZERO,
            previous: Hash::ZERO,
            time: Timestamp::from_unix_ms(1_800_000_000_000),
            traceparent: None,
            version: Version(1),
        }
    }

    #[test]
    fn every_part_counts() {
        let sealed = seal(stream(1), &meta(), b"x");
        let changes: [fn(&mut Meta); 9] = [
            |meta| meta.actor = Actor::System("other".into()),
            |meta| meta.causation = Some(Uuid::nil()),
            |meta| meta.command = CommandId::new(Uuid::from_u128(4)),
            |meta| meta.correlation = Uuid::from_u128(4),
            |meta| meta.fingerprint = Some(Hash::ZERO),
            |meta| meta.previous = Hash([1; 32]),
            |meta| meta.time = Timestamp::from_unix_ms(1),
            |meta| meta.traceparent = Some("00".into()),
            |meta| meta.version = Version(2),
        ];
        for (at, change) in changes.into_iter().enumerate() {
            let mut other = meta();
            change(&mut other);
            assert_ne!(seal(stream(1), &other, b"x"), sealed, "change {at}");
        }
        assert_ne!(seal(stream(2), &meta(), b"x"), sealed);
        assert_ne!(seal(stream(1), &meta(), b"y"), sealed);
        assert_eq!(seal(stream(1), &meta(), b"x"), sealed);
    }
}
