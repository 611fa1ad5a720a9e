//! The vault: secrets at rest in a KV bucket, each sealed with the master key.
//!
//! What may never be in the log is here: password hashes, keys of persons, refresh tokens, signing
//! keys. Values are sealed with AES-256-GCM under the master key, bound to their name, so that a
//! value copied to another name does not open.
//!
//! Invariant: nothing leaves this process unsealed, and nothing opens that was altered or moved.

use std::sync::Arc;

use async_nats::jetstream::kv::{self, CreateErrorKind, Operation, UpdateErrorKind};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};

use crate::{JetStreamLog, OpenError, subject};

/// Seals and opens.
#[derive(Clone)]
pub struct Vault {
    bucket: kv::Store,
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

    /// Forgets `name` for good, with everything that was ever kept under it.
    pub async fn delete(&self, name: &str) -> Result<(), VaultError> {
        self.bucket.purge(name).await.map_err(unavailable)
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
