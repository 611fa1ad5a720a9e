//! The last commit of each aggregate, so that every commit can be held against the one before.
//!
//! Invariant: a commit is applied only if it follows, by version and by hash, the last one applied.

use std::collections::HashSet;

use schemas::{Commit, Hash, StreamId, Version, domain::AggregateKind, domain::TenantId};
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::recent::{Bounds, Recent};

/// What an entry costs, roughly, in memory.
const BYTES: usize = 128;

/// The last commits of aggregates.
#[derive(Debug, Default)]
pub(super) struct Chain(Recent<StreamId, Option<Link>>);

#[derive(Clone, Copy, Debug)]
struct Link {
    hash: Hash,
    version: Version,
}

/// What was known of an aggregate, to go back there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    is_known: bool,
    last: Option<Link>,
    stream: StreamId,
}

impl Chain {
    /// One that was there from the first commit on and forgets none: what it does not know, is not.
    pub(super) fn of_everything() -> Self {
        Self(Recent::within(Bounds::NONE))
    }

    /// Which of these aggregates it knows.
    pub(super) fn known(&self, streams: impl Iterator<Item = StreamId>) -> HashSet<StreamId> {
        streams
            .filter(|stream| self.0.get(stream).is_some())
            .collect()
    }

    /// Learns what it does not know of these aggregates, in one question; says which of all
    /// of them existed before.
    pub(super) async fn load(
        &mut self,
        connection: &mut PgConnection,
        streams: impl Iterator<Item = StreamId>,
    ) -> Result<HashSet<StreamId>, sqlx::Error> {
        let streams: HashSet<StreamId> = streams.collect();
        let unknown: Vec<_> = streams
            .iter()
            .filter(|s| self.0.get(s).is_none())
            .copied()
            .collect();
        if !unknown.is_empty() {
            self.ask(connection, &unknown).await?;
        }
        let exists = |stream: &StreamId| self.0.get(stream).is_some_and(Option::is_some);
        Ok(streams.into_iter().filter(exists).collect())
    }

    /// Whether `commit` follows what is known of its aggregate.
    pub(super) fn check(&self, commit: &Commit) -> Result<(), String> {
        let last = self.0.get(&commit.stream).copied().flatten();
        let (version, hash) = last.map_or((Version(0), Hash::ZERO), |l| (l.version, l.hash));
        if commit.meta.version.0 != version.0 + 1 {
            return Err(format!(
                "version {} follows version {version}",
                commit.meta.version
            ));
        }
        if commit.meta.previous != hash {
            return Err(format!(
                "it does not follow the commit of version {version}"
            ));
        }
        Ok(())
    }

    /// Goes on from `commit`, which is left out: whoever wrote what follows it took it for the last
    /// one. Not if its version has been passed already, so that versions only grow.
    pub(super) fn pass(&mut self, commit: &Commit) {
        let last = self.0.get(&commit.stream).copied().flatten();
        if last.is_none_or(|last| last.version < commit.meta.version) {
            self.extend(commit);
        }
    }

    /// Takes `commit` for the last of its aggregate.
    pub(super) fn extend(&mut self, commit: &Commit) {
        let link = Link {
            hash: commit.meta.hash,
            version: commit.meta.version,
        };
        self.0.insert(commit.stream, Some(link), BYTES);
    }

    /// Where `stream` is, to go back to if what is tried next fails: what was passed is in no table
    /// before the batch ends, so it could not be asked again.
    pub(super) fn mark(&self, stream: StreamId) -> Mark {
        let known = self.0.get(&stream);
        Mark {
            is_known: known.is_some(),
            last: known.copied().flatten(),
            stream,
        }
    }

    /// Undoes what was done with the aggregate of `mark` since.
    pub(super) fn go_back(&mut self, mark: Mark) {
        if mark.is_known {
            self.0.insert(mark.stream, mark.last, BYTES);
        } else {
            self.0.remove(&mark.stream);
        }
    }

    pub(super) fn settle(&mut self) {
        self.0.settle();
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    async fn ask(
        &mut self,
        connection: &mut PgConnection,
        unknown: &[StreamId],
    ) -> Result<(), sqlx::Error> {
        let rows = sqlx::query(include_str!("sql/last_commits.sql"))
            .bind(
                unknown
                    .iter()
                    .map(|stream| stream.tenant.uuid())
                    .collect::<Vec<_>>(),
            )
            .bind(
                unknown
                    .iter()
                    .map(|stream| stream.kind.name())
                    .collect::<Vec<_>>(),
            )
            .bind(unknown.iter().map(|stream| stream.id).collect::<Vec<_>>())
            .fetch_all(connection)
            .await?;
        for stream in unknown {
            self.0.insert(*stream, None, BYTES);
        }
        for row in &rows {
            let Ok(kind) = row.try_get::<&str, _>("kind")?.parse::<AggregateKind>() else {
                continue;
            };
            let tenant = TenantId::new(row.try_get::<Uuid, _>("tenant_id")?);
            let mut hash = Hash::ZERO;
            let stored: &[u8] = row.try_get("hash")?;
            if stored.len() == hash.0.len() {
                hash.0.copy_from_slice(stored);
            }
            let version = Version(row.try_get::<i64, _>("version")? as u64);
            let stream = StreamId {
                tenant,
                kind,
                id: row.try_get("id")?,
            };
            self.0.insert(stream, Some(Link { hash, version }), BYTES);
        }
        Ok(())
    }
}
