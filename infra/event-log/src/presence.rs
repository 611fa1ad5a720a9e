//! Who is there: buckets whose entries end unless they are written again.
//!
//! Invariant: an entry that is missing proves nothing, since nobody may have been able to write it;
//! whoever acts on that asks once more, and the log has the last word.

use async_nats::jetstream::{kv, stream::RawMessageErrorKind};
use domain::{TaskId, TenantId, Timestamp};

use crate::{JetStreamLog, LogError, OpenError, subject};

/// Says of what a key is deleted (ADR-8 of NATS).
const OPERATION: &str = "KV-Operation";

/// Who is there, on the log's server. Clones share its connection.
#[derive(Clone)]
pub struct Presence {
    bucket: kv::Store,
    name: &'static str,
}

/// Somebody who is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Present {
    /// Who.
    pub key: String,
    /// When that was said last, by the server's clock.
    pub seen_at: Timestamp,
    /// What was said.
    pub value: Vec<u8>,
}

impl Presence {
    /// The workers that are there, by name; each says so at least every 15 s.
    pub async fn of_workers(log: &JetStreamLog) -> Result<Self, OpenError> {
        Self::open(log, subject::WORKER_BUCKET).await
    }

    /// The attempts that are made outside, by [`leased`]; each is spoken of at least every 15 s.
    pub async fn of_leased(log: &JetStreamLog) -> Result<Self, OpenError> {
        Self::open(log, subject::LEASED_BUCKET).await
    }

    async fn open(log: &JetStreamLog, name: &'static str) -> Result<Self, OpenError> {
        let bucket = log.jetstream().get_key_value(name).await;
        let bucket = bucket.map_err(|_| OpenError::Missing(name.to_owned()))?;
        Ok(Self { bucket, name })
    }

    /// Says that `key` is there.
    pub async fn put(&self, key: &str, value: Vec<u8>) -> Result<(), LogError> {
        let put = self.bucket.put(key, value.into()).await;
        put.map(drop).map_err(unavailable)
    }

    /// Says that `key` is gone.
    pub async fn remove(&self, key: &str) -> Result<(), LogError> {
        self.bucket.delete(key).await.map_err(unavailable)
    }

    /// What was said of `key`, if it is there.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, LogError> {
        let value = self.bucket.get(key).await.map_err(unavailable)?;
        Ok(value.map(Vec::from))
    }

    /// All that are there, as the leader knows them.
    pub async fn all(&self) -> Result<Vec<Present>, LogError> {
        let (names, stream) = (subject::bucket(self.name), &self.bucket.stream);
        let (mut found, mut next) = (Vec::new(), 1);
        loop {
            let message = stream.get_first_raw_message_by_subject(&names, next).await;
            let message = match message {
                Ok(message) => message,
                Err(reason) if reason.kind() == RawMessageErrorKind::NoMessageFound => {
                    return Ok(found);
                }
                Err(reason) => return Err(unavailable(reason)),
            };
            next = message.sequence + 1;
            let key = subject::bucket_key(self.name, &message.subject);
            if let Some(key) = key.filter(|_| message.headers.get(OPERATION).is_none()) {
                let seen_ms = message.time.unix_timestamp_nanos() / 1_000_000;
                found.push(Present {
                    key: key.to_owned(),
                    seen_at: Timestamp::from_unix_ms(seen_ms as i64),
                    value: message.payload.into(),
                });
            }
        }
    }
}

/// What an attempt at a task is called that is made outside.
pub fn leased(tenant: TenantId, task: TaskId) -> String {
    format!("{tenant}.{task}")
}

fn unavailable(reason: impl std::fmt::Display) -> LogError {
    LogError::Unavailable(reason.to_string())
}
