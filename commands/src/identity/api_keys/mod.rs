//! API keys: making, revoking and knowing them again.
//!
//! A key's secret is a keyed digest of its id. So a retry of its creation answers with the same
//! key, and a text that was never given out is told from one that was without asking anybody. The
//! vault has a digest of the secret as long as the key lives. A plain SHA-256 is enough: what makes
//! passwords guessable is that people choose them, and nobody guesses 256 bits however fast they
//! try.
//!
//! Invariant: a key speaks for its owner as they are now, within its scopes, and neither before it
//! is in the log nor after it is revoked or expired. What a process remembers of a key it forgets
//! sooner than the notices that could say otherwise.

mod last_use;
mod text;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use domain::{
    Name, TenantId, Timestamp, UserId,
    api_key::{ApiKey, ApiKeyCommand, ApiKeyCreated, ApiKeyRejection, LIFE_MS, Scope},
};
use event_log::VaultError;
use moka::sync::Cache;
use schemas::Hash;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{Authentication, Credential, Identity, Means, Principal, revocations::KEPT, watch};
use crate::{Ask, CommandError, Failure, Receipt, fingerprint};
use last_use::LastUses;

const DAY_MS: i64 = 24 * 3_600_000;
/// How many keys are remembered.
const REMEMBERED: u64 = 10_000;
/// For how long; less than notices are kept ([`KEPT`]), by minutes.
const REMEMBERED_FOR: Duration = Duration::from_mins(5);
/// For how long it is remembered that a key that was given out is none any more.
const REFUSED_FOR: Duration = Duration::from_secs(5);
/// How long vault and log may take to say what a key is.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

const _: () = assert!(REMEMBERED_FOR.as_secs() + 60 < KEPT.as_secs());

/// A key to make.
pub struct NewApiKey {
    /// From when on it is refused; 90 days from now if none, or as long as the tenant allows.
    pub expires_at: Option<Timestamp>,
    /// What its owner calls it.
    pub name: Name,
    /// In whose name it asks: a user who is there.
    pub owner: UserId,
    /// What it may be used for; whoever asks has checked that the owner may do that.
    pub scopes: BTreeSet<Scope>,
}

/// The keys that this process has met.
#[derive(Clone)]
pub(super) struct ApiKeys {
    known: Cache<Hash, Principal>,
    last_uses: LastUses,
    refused: Cache<Hash, ()>,
}

/// What the vault has of a key.
#[derive(Deserialize, Serialize)]
struct Kept {
    /// Digest of its secret.
    digest: String,
    tenant: TenantId,
}

impl ApiKeys {
    pub(super) fn new() -> Self {
        Self {
            known: remembering(REMEMBERED_FOR),
            last_uses: LastUses::new(),
            refused: remembering(REFUSED_FOR),
        }
    }
}

impl Identity {
    /// Makes the key `ask.id`, and says what it is. A retry of the same command says the same.
    pub async fn create_api_key(
        &self,
        ask: Ask,
        wanted: NewApiKey,
    ) -> Result<(Receipt<ApiKey>, SecretString), CommandError<ApiKeyRejection>> {
        let (tenant, id) = (ask.tenant, ask.id);
        let secret = self.api_key_secret(id);
        let now = self.commands.clock.now();
        let longest_ms = self.api_key_ms(tenant).await?;
        let unless_asked = now.plus_ms(LIFE_MS.min(longest_ms));
        let created = ApiKeyCreated {
            expires_at: wanted.expires_at.unwrap_or(unless_asked),
            name: (self.personal)
                .seal(tenant, wanted.owner, wanted.name.as_str())
                .await?,
            owner: wanted.owner,
            prefix: text::prefix(id),
            scopes: wanted.scopes,
        };
        // Kept first, so that a key that exists works; one that comes to nothing opens nothing,
        // since the log does not know it, and lapses.
        let exists = self.commands.state::<ApiKey>(tenant, id).await?.is_some();
        if !exists {
            if created.expires_at.since_ms(now) > longest_ms {
                let days = longest_ms / DAY_MS;
                return Err(CommandError::Rejected(ApiKeyRejection::TooLong { days }));
            }
            self.keep(tenant, id, &secret, created.expires_at).await?;
        }
        let command = ApiKeyCommand::Create(created);
        let receipt = self.commands.execute::<ApiKey>(ask, command).await?;
        Ok((receipt, text::write(id, &secret).into()))
    }

    /// Lets the key `ask.id` be refused: here at once, elsewhere within a second, streams included.
    /// May be repeated; must be, if it fails.
    pub async fn revoke_api_key(
        &self,
        ask: Ask,
    ) -> Result<Receipt<ApiKey>, CommandError<ApiKeyRejection>> {
        let this = self.clone();
        // Once begun it runs to its end, also if nobody waits any more.
        let running = async move {
            let id = ask.id;
            let revoke = ApiKeyCommand::Revoke;
            let receipt = this.commands.execute::<ApiKey>(ask, revoke).await?;
            // What is stored must be asked for again if others could not be told of it.
            let unfinished = |reason: Failure| Failure::Unknown(reason.to_string());
            this.end(id, &name(id)).await.map_err(unfinished)?;
            Ok(receipt)
        };
        let running = tokio::spawn(running.in_current_span());
        let ended = running.await;
        ended.unwrap_or_else(|reason| Err(Failure::Unknown(reason.to_string()).into()))
    }

    /// Whom a bearer token speaks for, be it an access token or an API key; none if nobody, or if
    /// this process [cannot know](Self::is_current). Fails where a key had to be looked up and
    /// could not be.
    pub async fn authenticate(&self, bearer: &str) -> Result<Option<Principal>, Failure> {
        if !bearer.starts_with(text::PREFIX) {
            return Ok(self.verify(bearer));
        }
        let principal = self.api_key(bearer).await?;
        let now = self.commands.clock.now();
        let principal = principal.filter(|key| now < key.expires_at);
        let admitted = principal.and_then(|key| self.watched.revocations.admit(key));
        if let Some(key) = &admitted {
            self.api_keys.last_uses.note(&self.vault, key.session, now);
        }
        Ok(admitted)
    }

    /// When the key `id` was last used, to the minute; none if it was not.
    pub async fn api_key_last_used(&self, id: Uuid) -> Result<Option<Timestamp>, Failure> {
        last_use::read(&self.vault, id).await
    }

    /// Whom a key speaks for, as far as is remembered or can be looked up.
    async fn api_key(&self, key: &str) -> Result<Option<Principal>, Failure> {
        let Some((id, secret)) = text::parse(key) else {
            return Ok(None);
        };
        let digest = fingerprint(&[key.as_bytes()]);
        if let Some(known) = self.api_keys.known.get(&digest) {
            return Ok(Some(known));
        }
        let given_out = same(secret, &self.api_key_secret(id));
        if !given_out || self.api_keys.refused.contains_key(&digest) {
            return Ok(None);
        }
        let found = tokio::time::timeout(ANSWERS_WITHIN, self.look_up(id, secret)).await;
        let silent = |_| Failure::Unavailable("nothing says what an API key is".into());
        let found = found.map_err(silent)??;
        match &found {
            Some(principal) => self.api_keys.known.insert(digest, principal.clone()),
            None => self.api_keys.refused.insert(digest, ()),
        }
        Ok(found)
    }

    async fn look_up(&self, id: Uuid, secret: &str) -> Result<Option<Principal>, Failure> {
        let Some(kept) = self.vault.get(&name(id)).await? else {
            return Ok(None);
        };
        let kept: Kept = serde_json::from_slice(&kept.value)
            .map_err(|reason| Failure::Corrupt(format!("the API key {id}: {reason}")))?;
        let found = self.commands.state::<ApiKey>(kept.tenant, id).await?;
        let living = found
            .map(|found| found.state)
            .filter(|key| key.revoked_at.is_none() && same(&kept.digest, &digest(secret)));
        let Some(key) = living else {
            return Ok(None);
        };
        let rights = watch::rights(&self.commands, kept.tenant, key.owner).await?;
        Ok(rights.role.map(|role| Principal {
            acting: false,
            // Nobody has shown in person who they are, so what wants that is refused.
            authenticated: Authentication {
                at: Timestamp::from_unix_ms(0),
                by: Means::ApiKey,
            },
            began: key.created_at,
            credential: Credential::ApiKey(Arc::new(key.scopes)),
            expires_at: key.expires_at,
            platform: false,
            role,
            session: id,
            tenant: kept.tenant,
            user: key.owner,
        }))
    }

    async fn keep(
        &self,
        tenant: TenantId,
        id: Uuid,
        secret: &str,
        expires_at: Timestamp,
    ) -> Result<(), Failure> {
        let digest = digest(secret);
        let kept = serde_json::to_vec(&Kept { digest, tenant }).expect("text always encodes");
        let left_ms = expires_at.since_ms(self.commands.clock.now());
        // A minute more, since clocks differ.
        let life = Duration::from_millis(u64::try_from(left_ms).unwrap_or_default());
        let life = life + Duration::from_mins(1);
        match self.vault.create_for(&name(id), &kept, life).await {
            // An earlier try kept the same.
            Ok(()) | Err(VaultError::Conflict) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    /// Nobody computes it without the vault's master key.
    fn api_key_secret(&self, id: Uuid) -> String {
        let named = [b"api-key/".as_slice(), id.as_bytes()].concat();
        text::secret(self.vault.keyed_digest(&named))
    }
}

fn remembering<V: Clone + Send + Sync + 'static>(life: Duration) -> Cache<Hash, V> {
    let cache = Cache::builder().max_capacity(REMEMBERED);
    cache.time_to_live(life).build()
}

fn digest(secret: &str) -> String {
    fingerprint(&[secret.as_bytes()]).to_string()
}

/// What the key `id` is called in the vault.
fn name(id: Uuid) -> String {
    format!("api_key.{id}")
}

/// Compares in a time that tells nothing.
fn same(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}
