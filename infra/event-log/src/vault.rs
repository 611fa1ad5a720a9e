//! The vault: secrets at rest in a KV bucket, each sealed with the master key.
//!
//! What may never be in the log is here: password hashes, keys of persons, refresh tokens, signing
//! keys. Values are sealed with AES-256-GCM under the master key, bound to their name, so that a
//! value copied to another name does not open.
//!
//! Invariant: nothing leaves this process unsealed, and nothing opens that was altered or moved.

use std::{sync::Arc, time::Duration};

use async_nats::{
    HeaderMap,
    header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_TTL},
    jetstream::{
        self,
        context::PublishErrorKind,
        kv::{self, CreateErrorKind, Operation, UpdateErrorKind},
        stream::RawMessageErrorKind,
    },
};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};

use crate::{JetStreamLog, OpenError, subject};

/// How long it can be seen that something was deleted.
const TRACE: Duration = Duration::from_hours(1);

/// Seals and opens.
#[derive(Clone)]
pub struct Vault {
    bucket: kv::Store,
    jetstream: jetstream::Context,
    key: Arc<LessSafeKey>,
    names: hmac::Key,
}

/// A secret and how often it has been replaced.
#[derive(Clone)]
pub struct Secret {
    /// The opened value.
    pub value: Vec<u8>,
    /// What a conditional replacement must expect.
    pub revision: u64,
}

/// A secret as it was last changed.
pub struct Change {
    /// What it is called.
    pub name: String,
    /// After which the next change is looked for.
    pub revision: u64,
    /// The opened value; none if it was deleted.
    pub value: Option<Vec<u8>>,
}

/// Why the vault does not give or take.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VaultError {
    /// There is another value than expected.
    #[error("the secret has changed")]
    Conflict,
    /// It does not open: altered, moved, or sealed with another master key.
    #[error("the secret {0:?} does not open: it was sealed with another master key, or altered")]
    Sealed(String),
    /// The bucket cannot be reached.
    #[error("the vault is unavailable: {0}")]
    Unavailable(String),
}

impl Vault {
    /// The vault on the log's server, opened with `master_key`.
    pub async fn open(log: &JetStreamLog, master_key: &[u8; 32]) -> Result<Self, OpenError> {
        let bucket = log
            .jetstream()
            .get_key_value(subject::VAULT_BUCKET)
            .await
            .map_err(|_| OpenError::Missing(subject::VAULT_BUCKET.to_owned()))?;
        let key = UnboundKey::new(&AES_256_GCM, master_key).expect("the key has 32 bytes");
        let names = derive(master_key, b"names");
        Ok(Self {
            bucket,
            jetstream: log.jetstream().clone(),
            key: Arc::new(LessSafeKey::new(key)),
            names: hmac::Key::new(hmac::HMAC_SHA256, &names),
        })
    }

    /// A digest of `text` that only holders of the master key can compute.
    pub fn keyed_digest(&self, text: &[u8]) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(hmac::sign(&self.names, text).as_ref());
        digest
    }

    /// The secret called `name`.
    pub async fn get(&self, name: &str) -> Result<Option<Secret>, VaultError> {
        tracing::trace!("reads the vault");
        let entry = self.bucket.entry(name).await.map_err(unavailable)?;
        let Some(entry) = entry.filter(|entry| entry.operation == Operation::Put) else {
            return Ok(None);
        };
        let value = self.unseal(name, &entry.value)?;
        Ok(Some(Secret {
            value,
            revision: entry.revision,
        }))
    }

    /// Keeps `value` as `name`, whatever was there.
    pub async fn put(&self, name: &str, value: &[u8]) -> Result<(), VaultError> {
        let sealed = self.seal(name, value);
        self.bucket
            .put(name, sealed.into())
            .await
            .map(drop)
            .map_err(unavailable)
    }

    /// Keeps `value` as `name` if there is nothing yet.
    pub async fn create(&self, name: &str, value: &[u8]) -> Result<(), VaultError> {
        let sealed = self.seal(name, value);
        match self.bucket.create(name, sealed.into()).await {
            Ok(_) => Ok(()),
            Err(reason) if reason.kind() == CreateErrorKind::AlreadyExists => {
                Err(VaultError::Conflict)
            }
            Err(reason) => Err(unavailable(reason)),
        }
    }

    /// Replaces the value at `revision`.
    pub async fn replace(&self, name: &str, value: &[u8], revision: u64) -> Result<(), VaultError> {
        let sealed = self.seal(name, value);
        match self.bucket.update(name, sealed.into(), revision).await {
            Ok(_) => Ok(()),
            Err(reason) if reason.kind() == UpdateErrorKind::WrongLastRevision => {
                Err(VaultError::Conflict)
            }
            Err(reason) => Err(unavailable(reason)),
        }
    }

    /// Keeps `value` as `name` for so long, whatever was there; then it is gone by itself.
    pub async fn put_for(
        &self,
        name: &str,
        value: &[u8],
        life: Duration,
    ) -> Result<(), VaultError> {
        self.publish_for(name, value, None, life).await
    }

    /// Keeps `value` as `name` for so long, if there was never anything.
    pub async fn create_for(
        &self,
        name: &str,
        value: &[u8],
        life: Duration,
    ) -> Result<(), VaultError> {
        self.publish_for(name, value, Some(0), life).await
    }

    /// Replaces the value at `revision` by one that is kept for so long.
    pub async fn replace_for(
        &self,
        name: &str,
        value: &[u8],
        revision: u64,
        life: Duration,
    ) -> Result<(), VaultError> {
        self.publish_for(name, value, Some(revision), life).await
    }

    /// Forgets `name` for good, with everything that was ever kept under it.
    pub async fn delete(&self, name: &str) -> Result<(), VaultError> {
        let purged = self.bucket.purge_with_ttl(name, TRACE).await;
        purged.map_err(unavailable)
    }

    /// The first secret changed after revision `after` whose name fits `names`, in which `*` stands
    /// for one part and a last `>` for any number; none if nothing has changed. It is the leader
    /// that is asked, so nothing acknowledged before is missed.
    pub async fn next(&self, names: &str, after: u64) -> Result<Option<Change>, VaultError> {
        let names = subject::secret(names);
        let stream = &self.bucket.stream;
        let found = stream.get_first_raw_message_by_subject(names, after + 1);
        let message = match found.await {
            Ok(message) => message,
            Err(reason) if reason.kind() == RawMessageErrorKind::NoMessageFound => return Ok(None),
            Err(reason) => return Err(unavailable(reason)),
        };
        let name = subject::secret_name(&message.subject);
        let name = name.ok_or_else(|| VaultError::Sealed(message.subject.to_string()))?;
        let value = if message.payload.is_empty() {
            None
        } else {
            Some(self.unseal(name, &message.payload)?)
        };
        Ok(Some(Change {
            name: name.to_owned(),
            revision: message.sequence,
            value,
        }))
    }

    async fn publish_for(
        &self,
        name: &str,
        value: &[u8],
        expected: Option<u64>,
        life: Duration,
    ) -> Result<(), VaultError> {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_TTL, life.as_secs().max(1).to_string());
        if let Some(expected) = expected {
            headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, expected.to_string());
        }
        let sealed = self.seal(name, value).into();
        let (subject, jetstream) = (subject::secret(name), &self.jetstream);
        let sent = jetstream.publish_with_headers(subject, headers, sealed);
        match sent.await.map_err(unavailable)?.await {
            Ok(_) => Ok(()),
            Err(reason) if reason.kind() == PublishErrorKind::WrongLastSequence => {
                Err(VaultError::Conflict)
            }
            Err(reason) => Err(unavailable(reason)),
        }
    }

    fn seal(&self, name: &str, value: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = runtime::random::bytes();
        let mut sealed = value.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(name.as_bytes()),
                &mut sealed,
            )
            .expect("secrets are far below the cipher's limit");
        [nonce.as_slice(), &sealed].concat()
    }

    fn unseal(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let altered = || VaultError::Sealed(name.to_owned());
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or_else(altered)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| altered())?;
        let mut value = sealed.to_vec();
        let opened = self
            .key
            .open_in_place(nonce, Aad::from(name.as_bytes()), &mut value)
            .map_err(|_| altered())?;
        Ok(opened.to_vec())
    }
}

/// A key for one purpose, from the master key.
fn derive(master_key: &[u8; 32], purpose: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, master_key), purpose);
    key.copy_from_slice(signed.as_ref());
    key
}

fn unavailable(reason: impl std::fmt::Display) -> VaultError {
    VaultError::Unavailable(reason.to_string())
}
