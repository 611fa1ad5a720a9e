//! Who somebody is: registering, signing in, and the tokens that remember it.
//!
//! Passwords, personal keys, signing keys and refresh tokens are in the vault. The log holds
//! personal text sealed, and knows an address only by a keyed digest.
//!
//! Invariant: an address has one user within a tenant; knowing that a user exists takes as long as
//! finding that none does.

mod account;
mod bootstrap;
mod erase;
mod error;
mod particulars;
mod passwords;
mod personal;
mod register;
mod sessions;
mod together;
mod tokens;

use domain::{TenantId, Timestamp, UserId, user::Role};
use event_log::Vault;
use secrecy::SecretString;
use uuid::Uuid;

pub use account::{AccountChange, EmailChange, PasswordChange};
pub use bootstrap::{DEFAULT_TENANT, bootstrap};
pub use error::AccountError;
pub use register::Registration;

use crate::{Commands, Failure};
use passwords::Passwords;
use personal::Personal;
use tokens::Signer;

/// Registers, signs in and issues tokens.
#[derive(Clone)]
pub struct Identity {
    commands: Commands,
    passwords: Passwords,
    personal: Personal,
    signer: Signer,
    vault: Vault,
}

/// Whoever a valid access token speaks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Principal {
    /// When the token ends.
    pub expires_at: Timestamp,
    /// What they may do.
    pub role: Role,
    /// The sign-in that the token belongs to.
    pub session: Uuid,
    /// Whom they belong to.
    pub tenant: TenantId,
    /// Who they are.
    pub user: UserId,
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
    /// Opens the vault's keys, and makes the signing key if there is none yet.
    pub async fn open(commands: Commands, vault: Vault) -> Result<Self, Failure> {
        let signer = Signer::open(&vault).await?;
        let passwords = Passwords::new(vault.clone());
        let personal = Personal::new(vault.clone());
        let identity = Self {
            commands,
            passwords,
            personal,
            signer,
            vault,
        };
        // It runs once, so its size is of no interest to whoever waits for this.
        Box::pin(identity.finish_erasures()).await?;
        Ok(identity)
    }

    /// The user that `access_token` speaks for; none if it is not valid now.
    pub fn verify(&self, access_token: &str) -> Option<Principal> {
        self.signer.verify(access_token, self.commands.clock.now())
    }

    /// A digest that only this installation can compute.
    pub fn keyed_digest(&self, text: &[u8]) -> [u8; 32] {
        self.vault.keyed_digest(text)
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
