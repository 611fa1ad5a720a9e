//! Who somebody is: registering, signing in, and the tokens that remember it.
//!
//! Passwords, second factors, personal keys, signing keys, refresh tokens and digests of API keys
//! are in the vault. The log holds personal text sealed, and knows an address only by a keyed
//! digest.
//!
//! Keys and refresh tokens change and end while tokens are about, so each process watches for that
//! (`watch`) and knows in memory what has ended (`revocations`).
//!
//! Invariant: an address has one user within a tenant; knowing that a user exists takes as long as
//! finding that none does.

mod account;
mod api_keys;
mod bootstrap;
mod challenge;
mod erase;
mod error;
mod factor;
mod family;
mod invite;
mod keys;
mod linked;
mod means;
mod mfa;
mod particulars;
mod passwords;
mod personal;
mod platform;
mod register;
mod revocations;
mod revoke;
mod sessions;
mod settings;
mod step_up;
mod strength;
mod tenants;
mod tickets;
mod together;
mod tokens;
mod totp;
mod watch;

use std::{collections::BTreeSet, sync::Arc};

use domain::{TenantId, Timestamp, UserId, api_key::Scope, user::Role};
use event_log::Vault;
use secrecy::SecretString;
use uuid::Uuid;

pub use account::{AccountChange, EmailChange, PasswordChange};
pub use api_keys::NewApiKey;
pub use bootstrap::{DEFAULT_TENANT, bootstrap};
pub use challenge::{Answered, SignedIn};
pub use error::AccountError;
pub use factor::SecondFactor;
pub use invite::{Acceptance, Accepted, Invitation, Invited};
pub use linked::{Asserted, IdentityError, Terms};
pub use means::{Authentication, Means};
pub use mfa::{Enrolled, Enrolment, MfaState};
pub use platform::Entry;
pub use register::Registration;
pub use revoke::SignIn;
pub use sessions::{Refreshed, Whose};
pub use step_up::{Shown, SteppedUp};
pub use tenants::NewTenant;

use crate::{Commands, Failure};
use api_keys::ApiKeys;
use passwords::Passwords;
use personal::Personal;
use watch::Watched;

/// Registers, signs in and issues tokens.
#[derive(Clone)]
pub struct Identity {
    api_keys: ApiKeys,
    commands: Commands,
    passwords: Passwords,
    personal: Personal,
    vault: Vault,
    watched: Arc<Watched>,
}

/// By what somebody shows who they are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Credential {
    /// An API key, which does nothing beyond its scopes.
    ApiKey(Arc<BTreeSet<Scope>>),
    /// An access token of a sign-in.
    Session,
}

/// Whoever a valid access token or API key speaks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Principal {
    /// Whether they act in a tenant that is not theirs, as a platform administrator: they are a
    /// user of the main one.
    pub acting: bool,
    /// How and when they last showed who they are.
    pub authenticated: Authentication,
    /// When the sign-in began, or the key was made.
    pub began: Timestamp,
    /// By what they show who they are.
    pub credential: Credential,
    /// When the token or key ends.
    pub expires_at: Timestamp,
    /// Whether they administer the platform; not while they act.
    pub platform: bool,
    /// What they may do.
    pub role: Role,
    /// The sign-in that the token belongs to; of an API key, its id.
    pub session: Uuid,
    /// Whom they belong to.
    pub tenant: TenantId,
    /// Who they are.
    pub user: UserId,
}

impl Principal {
    /// The tenant whose user they are: that of their token, unless they act in it.
    pub fn home(&self) -> TenantId {
        if self.acting {
            TenantId::MAIN
        } else {
            self.tenant
        }
    }
}

/// What a sign-in gives.
pub struct Tokens {
    /// A JWT.
    pub access: SecretString,
    /// For how long the access token is valid, in seconds.
    pub expires_in_s: u64,
    /// Exchanged once for the next pair.
    pub refresh: SecretString,
}

impl Identity {
    /// Opens the vault's keys, makes the signing key if there is none yet, and watches for changes
    /// as long as this is held. Must be called on a tokio runtime that lasts as long.
    pub async fn open(commands: Commands, vault: Vault) -> Result<Self, Failure> {
        let watched = Watched::open(&commands, &vault).await?;
        let passwords = Passwords::new(vault.clone());
        let personal = Personal::new(vault.clone());
        let identity = Self {
            api_keys: ApiKeys::new(),
            commands,
            passwords,
            personal,
            vault,
            watched,
        };
        // It runs once, so its size is of no interest to whoever waits for this.
        Box::pin(identity.finish_erasures()).await?;
        Ok(identity)
    }

    /// The user that `access_token` speaks for, with the role that they have now; none if it is not
    /// valid, was revoked, or this process [cannot know](Self::is_current) whether it was.
    pub fn verify(&self, access_token: &str) -> Option<Principal> {
        let now = self.commands.clock.now();
        let principal = self.watched.signer.verify(access_token, now)?;
        self.watched.revocations.admit(principal)
    }

    /// Whether this process has heard of revocations recently enough to admit anybody.
    pub fn is_current(&self) -> bool {
        self.watched.revocations.is_current()
    }

    /// The public keys of access tokens, as a JSON Web Key Set (RFC 7517).
    pub fn public_keys(&self) -> serde_json::Value {
        self.watched.signer.public(self.commands.clock.now())
    }

    /// Publishes the next signing key, unless it is already; from when on it signs.
    pub async fn rotate_keys(&self) -> Result<Timestamp, Failure> {
        watch::rotate(&self.commands, &self.vault).await
    }

    /// A digest that only this installation can compute.
    pub fn keyed_digest(&self, text: &[u8]) -> [u8; 32] {
        self.vault.keyed_digest(text)
    }

    /// Seals personal text for `user`; none if they have no key, as who was erased.
    pub(crate) async fn seal_personal(
        &self,
        tenant: TenantId,
        user: UserId,
        text: &str,
    ) -> Result<Option<domain::Sealed>, Failure> {
        self.personal.seal_if_known(tenant, user, text).await
    }

    /// What it runs commands by.
    pub(crate) const fn commands(&self) -> &Commands {
        &self.commands
    }

    /// Personal text of `user`; none once they are erased.
    pub async fn open_personal(
        &self,
        tenant: TenantId,
        user: UserId,
        sealed: &domain::Sealed,
    ) -> Result<Option<String>, Failure> {
        self.personal.open(tenant, user, sealed).await
    }
}
