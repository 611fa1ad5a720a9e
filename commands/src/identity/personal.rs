//! Personal text, encrypted with a key of its person.
//!
//! The nonce is a keyed digest of the text (a synthetic IV, after RFC 5297), so equal texts of one
//! person are equal sealed: "nothing changed" can be seen without opening anything, and a retried
//! command writes the same bytes.
//!
//! Invariant: without the person's key nothing opens, wherever copies of the log may be.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Sealed, TenantId, UserId};
use event_log::{Vault, VaultError};
use moka::sync::Cache;

use crate::Failure;

/// How many keys are remembered.
const REMEMBERED: u64 = 10_000;
/// For how long, in seconds; an erasure is complete everywhere after it.
const REMEMBERED_S: u64 = 2;

/// Seals and opens personal text.
#[derive(Clone)]
pub(super) struct Personal {
    keys: Cache<(TenantId, UserId), [u8; 32]>,
    vault: Vault,
}

impl Personal {
    pub(super) fn new(vault: Vault) -> Self {
        let keys = Cache::builder()
            .max_capacity(REMEMBERED)
            .time_to_live(std::time::Duration::from_secs(REMEMBERED_S))
            .build();
        Self { keys, vault }
    }

    /// Makes a key for `user`, unless there is one; says whether it did.
    pub(super) async fn create_key(&self, tenant: TenantId, user: UserId) -> Result<bool, Failure> {
        match self
            .vault
            .create(&name(tenant, user), &runtime::random::bytes::<32>())
            .await
        {
            Ok(()) => Ok(true),
            Err(VaultError::Conflict) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Forgets the key of `user`, and with it everything sealed by it.
    pub(super) async fn delete_key(&self, tenant: TenantId, user: UserId) -> Result<(), Failure> {
        self.vault.delete(&name(tenant, user)).await?;
        self.keys.invalidate(&(tenant, user));
        Ok(())
    }

    /// Seals `text` for `user`, who must have a key.
    pub(super) async fn seal(
        &self,
        tenant: TenantId,
        user: UserId,
        text: &str,
    ) -> Result<Sealed, Failure> {
        let key = self.key(tenant, user).await?;
        let key = key.ok_or_else(|| Failure::Corrupt(format!("user {user} has no key")))?;
        Ok(seal(&key, user, text))
    }

    /// Seals `text` for `user`; none if they have no key.
    pub(super) async fn seal_if_known(
        &self,
        tenant: TenantId,
        user: UserId,
        text: &str,
    ) -> Result<Option<Sealed>, Failure> {
        let key = self.key(tenant, user).await?;
        Ok(key.map(|key| seal(&key, user, text)))
    }

    /// Opens what was sealed for `user`; none without their key, and none of who is erased: the log
    /// says so before the key is gone, and elsewhere it is remembered a little longer.
    pub(super) async fn open(
        &self,
        tenant: TenantId,
        user: UserId,
        sealed: &Sealed,
    ) -> Result<Option<String>, Failure> {
        if *sealed == Sealed::default() {
            return Ok(None);
        }
        match self.key(tenant, user).await? {
            Some(key) => open(&key, user, sealed).map(Some),
            None => Ok(None),
        }
    }

    async fn key(&self, tenant: TenantId, user: UserId) -> Result<Option<[u8; 32]>, Failure> {
        if let Some(key) = self.keys.get(&(tenant, user)) {
            return Ok(Some(key));
        }
        let Some(secret) = self.vault.get(&name(tenant, user)).await? else {
            return Ok(None);
        };
        let key: [u8; 32] = secret
            .value
            .try_into()
            .map_err(|_| Failure::Corrupt(format!("the key of user {user}")))?;
        self.keys.insert((tenant, user), key);
        Ok(Some(key))
    }
}

fn seal(key: &[u8; 32], user: UserId, text: &str) -> Sealed {
    let nonce = synthetic_nonce(key, text.as_bytes());
    let mut sealed = text.as_bytes().to_vec();
    cipher(key)
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(user.uuid().as_bytes()),
            &mut sealed,
        )
        .expect("personal text is far below the cipher's limit");
    Sealed(
        URL_SAFE_NO_PAD
            .encode([nonce.as_slice(), &sealed].concat())
            .into(),
    )
}

fn open(key: &[u8; 32], user: UserId, sealed: &Sealed) -> Result<String, Failure> {
    let altered = || Failure::Corrupt(format!("personal text of user {user} does not open"));
    let bytes = URL_SAFE_NO_PAD
        .decode(sealed.0.as_bytes())
        .map_err(|_| altered())?;
    let (nonce, text) = bytes.split_at_checked(NONCE_LEN).ok_or_else(altered)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| altered())?;
    let mut text = text.to_vec();
    let opened = cipher(key)
        .open_in_place(nonce, Aad::from(user.uuid().as_bytes()), &mut text)
        .map_err(|_| altered())?;
    String::from_utf8(opened.to_vec()).map_err(|_| altered())
}

fn synthetic_nonce(key: &[u8; 32], text: &[u8]) -> [u8; NONCE_LEN] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &[b"nonce".as_slice(), key].concat());
    let mut nonce = [0; NONCE_LEN];
    nonce.copy_from_slice(&hmac::sign(&key, text).as_ref()[..NONCE_LEN]);
    nonce
}

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("the key has 32 bytes"))
}

fn name(tenant: TenantId, user: UserId) -> String {
    format!("{tenant}.user.{user}.key")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: UserId = UserId::new(uuid::Uuid::from_u128(1));
    const BOB: UserId = UserId::new(uuid::Uuid::from_u128(2));

    #[test]
    fn opens_for_its_person_only() {
        let sealed = seal(&[1; 32], ANN, "ann@example.org");
        assert_eq!(
            open(&[1; 32], ANN, &sealed),
            Ok("ann@example.org".to_owned())
        );
        assert!(open(&[2; 32], ANN, &sealed).is_err());
        assert!(open(&[1; 32], BOB, &sealed).is_err());
        assert!(open(&[1; 32], ANN, &Sealed("AAAA".into())).is_err());
    }

    #[test]
    fn equal_texts_of_one_person_are_equal_and_of_two_are_not() {
        assert_eq!(seal(&[1; 32], ANN, "Ann"), seal(&[1; 32], ANN, "Ann"));
        assert_ne!(seal(&[1; 32], ANN, "Ann"), seal(&[2; 32], BOB, "Ann"));
        assert_ne!(seal(&[1; 32], ANN, "Ann"), seal(&[1; 32], ANN, "Anne"));
    }
}
