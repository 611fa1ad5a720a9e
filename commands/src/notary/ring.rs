//! The keys that sign checkpoints, one after another.
//!
//! Invariant: what a key signed can be checked for ever, so no public half is forgotten; a private
//! half is kept only as long as it may have to sign: the current one, and the one before, which
//! vouches for it once.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use event_log::{NoteError, SigningKey, Vault, VaultError, VerifierKey};
use serde::{Deserialize, Serialize};

use crate::Failure;

/// What the ring is called in the vault.
const RING: &str = "log_keys";
/// How many keys may sign: the current one and the one before.
const SIGNING: usize = 2;

/// The keys there are, the current one last. Never empty.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Ring(Vec<Key>);

#[derive(Clone, Deserialize, Serialize)]
struct Key {
    /// PKCS #8 in base64url, while it may have to sign.
    pkcs8: Option<String>,
    /// In base64url.
    public: String,
}

impl Key {
    fn make() -> Result<Self, Failure> {
        let unmade = |_| Failure::Unavailable("no key for checkpoints could be made".into());
        let pkcs8 = SigningKey::generate().map_err(unmade)?;
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| corrupt())?;
        Ok(Self {
            pkcs8: Some(URL_SAFE_NO_PAD.encode(pkcs8)),
            public: URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
        })
    }

    fn signing(&self, name: &str) -> Result<SigningKey, Failure> {
        let pkcs8 = self.pkcs8.as_ref().ok_or_else(corrupt)?;
        let pkcs8 = URL_SAFE_NO_PAD.decode(pkcs8).map_err(|_| corrupt())?;
        SigningKey::new(name, &pkcs8).map_err(|_: NoteError| corrupt())
    }

    fn verifier(&self, name: &str) -> Result<VerifierKey, Failure> {
        let public = URL_SAFE_NO_PAD
            .decode(&self.public)
            .map_err(|_| corrupt())?;
        let public = public.try_into().map_err(|_| corrupt())?;
        Ok(VerifierKey::new(name, public))
    }
}

impl Ring {
    /// The ring in `vault`, made if there is none.
    pub(super) async fn load(vault: &Vault) -> Result<Self, Failure> {
        if let Some(found) = vault.get(RING).await? {
            return Self::decode(&found.value);
        }
        match vault.create(RING, &Self(vec![Key::make()?]).encode()).await {
            // Another process was faster.
            Ok(()) | Err(VaultError::Conflict) => {}
            Err(failure) => return Err(failure.into()),
        }
        let found = vault.get(RING).await?.ok_or_else(corrupt)?;
        Self::decode(&found.value)
    }

    /// Adds a key to the ring in `vault`, which is the current one from now on.
    pub(super) async fn rotate(vault: &Vault) -> Result<Self, Failure> {
        Self::load(vault).await?;
        let found = vault.get(RING).await?.ok_or_else(corrupt)?;
        let mut ring = Self::decode(&found.value)?;
        ring.0.push(Key::make()?);
        for old in ring.0.iter_mut().rev().skip(SIGNING) {
            old.pkcs8 = None;
        }
        vault.replace(RING, &ring.encode(), found.revision).await?;
        Ok(ring)
    }

    /// Every public half, the current one first, to check what was signed as `name`.
    pub(super) fn verifiers(&self, name: &str) -> Result<Vec<VerifierKey>, Failure> {
        self.0.iter().rev().map(|key| key.verifier(name)).collect()
    }

    /// What signs as `name`: the current key, and the one before if it is `known` and the current
    /// one is not.
    pub(super) fn signing(&self, name: &str, known: &[String]) -> Result<Vec<SigningKey>, Failure> {
        let mut keys = self.0.iter().rev();
        let current = keys.next().ok_or_else(corrupt)?.signing(name)?;
        let is_known = known.is_empty() || known.contains(&current.verifier().to_string());
        let mut signing = vec![current];
        if let Some(before) = keys.next().filter(|_| !is_known) {
            signing.push(before.signing(name)?);
        }
        Ok(signing)
    }

    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a ring always encodes")
    }

    fn decode(bytes: &[u8]) -> Result<Self, Failure> {
        let ring: Self = serde_json::from_slice(bytes).map_err(|_| corrupt())?;
        if ring.0.is_empty() {
            return Err(corrupt());
        }
        Ok(ring)
    }
}

fn corrupt() -> Failure {
    Failure::Corrupt("the keys that sign checkpoints".into())
}
