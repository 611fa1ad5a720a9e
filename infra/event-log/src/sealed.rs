//! The vault as it is kept: names and sealed bytes, for backups.
//!
//! Invariant: nothing is opened here, and no master key is asked for. What ends by itself is put
//! back with what is left of its time, or not at all.

use async_nats::{
    HeaderMap,
    header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_TTL},
    jetstream::{self, context::PublishErrorKind, kv, stream::RawMessageErrorKind},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{JetStreamLog, OpenError, VaultError, subject};

/// The vault of a log's server, without its key.
#[derive(Clone)]
pub struct SealedVault {
    bucket: kv::Store,
    jetstream: jetstream::Context,
}

/// A secret as it is kept.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SealedSecret {
    /// When it ends by itself, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What it is called.
    pub name: String,
    /// Its sealed bytes, in base64.
    pub sealed: String,
}

impl SealedVault {
    /// The vault on the log's server.
    pub async fn open(log: &JetStreamLog) -> Result<Self, OpenError> {
        let bucket = log.jetstream().get_key_value(subject::VAULT_BUCKET).await;
        let missing = |_| OpenError::Missing(subject::VAULT_BUCKET.to_owned());
        Ok(Self {
            bucket: bucket.map_err(missing)?,
            jetstream: log.jetstream().clone(),
        })
    }

    /// The first secret after revision `after`, with its own; what was deleted is passed over. The
    /// leader is asked, so that nothing acknowledged before is missed.
    pub async fn next(&self, after: u64) -> Result<Option<(u64, SealedSecret)>, VaultError> {
        let all = subject::secret(subject::ANY);
        let mut after = after;
        loop {
            let stream = &self.bucket.stream;
            let found = stream.get_first_raw_message_by_subject(&all, after + 1);
            let message = match found.await {
                Ok(message) => message,
                Err(reason) if reason.kind() == RawMessageErrorKind::NoMessageFound => {
                    return Ok(None);
                }
                Err(reason) => return Err(VaultError::Unavailable(reason.to_string())),
            };
            after = message.sequence;
            if message.payload.is_empty() {
                continue;
            }
            let name = subject::secret_name(&message.subject);
            let name = name.ok_or_else(|| VaultError::Sealed(message.subject.to_string()))?;
            let written_ms = (message.time.unix_timestamp_nanos() / 1_000_000) as i64;
            let life_s = message.headers.get(NATS_MESSAGE_TTL);
            let life_s = life_s.and_then(|life| seconds(life.as_str()));
            let secret = SealedSecret {
                expires_at: life_s
                    .map(|life_s| Timestamp::from_unix_ms(written_ms + life_s * 1_000)),
                name: name.to_owned(),
                sealed: STANDARD.encode(&message.payload),
            };
            return Ok(Some((after, secret)));
        }
    }

    /// Puts `secret` back where there is none of its name; whether it was still to live at `now`.
    pub async fn restore(&self, secret: &SealedSecret, now: Timestamp) -> Result<bool, VaultError> {
        let sealed = STANDARD.decode(&secret.sealed);
        let sealed = sealed.map_err(|_| VaultError::Sealed(secret.name.clone()))?;
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, "0");
        if let Some(expires_at) = secret.expires_at {
            let left_s = expires_at.since_ms(now) / 1_000;
            if left_s < 1 {
                return Ok(false);
            }
            headers.insert(NATS_MESSAGE_TTL, left_s.to_string());
        }
        let subject = subject::secret(&secret.name);
        let sent = self
            .jetstream
            .publish_with_headers(subject, headers, sealed.into());
        let unavailable = |reason: String| VaultError::Unavailable(reason);
        match sent
            .await
            .map_err(|reason| unavailable(reason.to_string()))?
            .await
        {
            Ok(_) => Ok(true),
            Err(reason) if reason.kind() == PublishErrorKind::WrongLastSequence => {
                Err(VaultError::Conflict)
            }
            Err(reason) => Err(unavailable(reason.to_string())),
        }
    }
}

/// A life in seconds, as the server is told it: a number, or one with `s` behind.
fn seconds(text: &str) -> Option<i64> {
    text.strip_suffix('s').unwrap_or(text).parse().ok()
}
