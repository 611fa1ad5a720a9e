//! Leases: who leads, kept in a KV bucket whose entries expire unless renewed.
//!
//! Invariant: a lease saves work and proves nothing. A holder that was paused past its lease may
//! still act; what keeps that harmless is the expectation on every commit.

use std::time::Duration;

use async_nats::jetstream::kv::{self, CreateErrorKind, UpdateErrorKind};
use tokio::time::Instant;

use crate::{JetStreamLog, LogError, OpenError, subject};

/// After how long without renewal the holder must stop acting as one; the bucket forgets it after
/// 10 s.
const HOLD: Duration = Duration::from_secs(7);

/// The leases on the log's server.
#[derive(Clone)]
pub struct Leases(kv::Store);

/// A lease that is held; by the holder's own monotonic clock it ends 7 s after its last renewal.
pub struct Lease {
    bucket: kv::Store,
    held_until: Instant,
    holder: String,
    name: String,
    revision: u64,
}

impl Leases {
    /// The leases of `log`'s server.
    pub async fn open(log: &JetStreamLog) -> Result<Self, OpenError> {
        let bucket = log.jetstream().get_key_value(subject::LEASE_BUCKET).await;
        bucket
            .map(Self)
            .map_err(|_| OpenError::Missing(subject::LEASE_BUCKET.to_owned()))
    }

    /// Takes the lease called `name` for `holder`; none if somebody else has it.
    pub async fn acquire(&self, name: &str, holder: &str) -> Result<Option<Lease>, LogError> {
        let asked = Instant::now();
        match self.0.create(name, holder.to_owned().into()).await {
            Ok(revision) => Ok(Some(Lease {
                bucket: self.0.clone(),
                held_until: asked + HOLD,
                holder: holder.to_owned(),
                name: name.to_owned(),
                revision,
            })),
            Err(reason) if reason.kind() == CreateErrorKind::AlreadyExists => Ok(None),
            Err(reason) => Err(LogError::Unavailable(reason.to_string())),
        }
    }

    /// Who holds the lease called `name`.
    pub async fn holder(&self, name: &str) -> Result<Option<String>, LogError> {
        let value = self.0.get(name).await;
        let value = value.map_err(|reason| LogError::Unavailable(reason.to_string()))?;
        Ok(value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }
}

impl Lease {
    /// Whether the holder may act as one now.
    pub fn is_held(&self) -> bool {
        Instant::now() < self.held_until
    }

    /// Holds on; false if the lease went to somebody else.
    pub async fn renew(&mut self) -> Result<bool, LogError> {
        let asked = Instant::now();
        let mut renewed = self.update().await?;
        if !renewed && let Some(revision) = self.unheard().await? {
            self.revision = revision;
            renewed = self.update().await?;
        }
        self.held_until = if renewed { asked + HOLD } else { asked };
        Ok(renewed)
    }

    /// Writes the entry anew; false if it is not the one that was written last.
    async fn update(&mut self) -> Result<bool, LogError> {
        let holder = self.holder.clone().into();
        let updated = self.bucket.update(&self.name, holder, self.revision);
        match updated.await {
            Ok(revision) => {
                self.revision = revision;
                Ok(true)
            }
            Err(reason) if reason.kind() == UpdateErrorKind::WrongLastRevision => Ok(false),
            Err(reason) => Err(LogError::Unavailable(reason.to_string())),
        }
    }

    /// The entry's revision if it is this holder's all the same: a renewal was stored, but its
    /// answer was lost.
    async fn unheard(&self) -> Result<Option<u64>, LogError> {
        let entry = self.bucket.entry(&self.name).await;
        let entry = entry.map_err(|reason| LogError::Unavailable(reason.to_string()))?;
        let own = |entry: &kv::Entry| {
            entry.operation == kv::Operation::Put && entry.value == self.holder.as_bytes()
        };
        Ok(entry.filter(own).map(|entry| entry.revision))
    }

    /// Gives the lease up, so that another need not wait for it to expire.
    pub async fn release(self) -> Result<(), LogError> {
        let deleted = self
            .bucket
            .delete_expect_revision(&self.name, Some(self.revision))
            .await;
        deleted.map_err(|reason| LogError::Unavailable(reason.to_string()))
    }
}
