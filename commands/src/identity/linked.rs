//! Signing in by an identity that an issuer vouches for (OpenID Connect).
//!
//! Who asks has verified what the issuer says; here it is decided which user that is.
//!
//! Invariant: an identity is one user's within a tenant. An address alone gives nobody an account
//! that is there already: it is linked by who is signed in to it, or where the configuration trusts
//! the issuer with addresses.

use std::time::Duration;

use domain::{
    Actor, Aggregate as _, CommandId, Name, TenantId, UserId,
    email_claim::{EmailClaim, EmailClaimCommand},
    identity_claim::{IdentityClaim, IdentityClaimCommand},
    user::{LinkedIdentity, Role, User, UserCommand},
};
use event_log::VaultError;
use schemas::StreamId;
use uuid::Uuid;

use super::{
    AccountError, Identity,
    particulars::normalise_email,
    together::{Claiming, Claims, user_stream},
};
use crate::{Ask, Current, Failure, Receipt};

/// How often it is looked again who it is, after others were faster.
const TRIES: usize = 3;

/// What an issuer says of somebody, verified by whoever asks.
#[derive(Clone, Debug)]
pub struct Asserted {
    /// The address, if the issuer says that it has verified it.
    pub email: Option<String>,
    /// The issuer, as it calls itself.
    pub issuer: String,
    /// What people call them.
    pub name: Option<String>,
    /// What the configuration calls the issuer.
    pub provider: String,
    /// Which of the issuer's users they are.
    pub subject: String,
}

/// What becomes of an identity that is nobody's yet.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// What a new user may do; none if no user is made.
    pub create: Option<Role>,
    /// Whether the user who has the same address is taken to be the same person.
    pub trust_email: bool,
}

/// Why somebody is not signed in by an identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The user was not linked or made.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The user is disabled, or was invited and has not accepted yet.
    #[error("the user may not sign in")]
    Disabled,
    /// There is a user with this address, who has not linked the identity.
    #[error("the address belongs to a user who has not linked this identity")]
    NotLinked,
    /// The identity is nobody's, and no user is made of it.
    #[error("the identity belongs to no user")]
    Unknown,
}

impl From<Failure> for IdentityError {
    fn from(failure: Failure) -> Self {
        Self::Account(failure.into())
    }
}

impl Identity {
    /// The user whose identity this is; linked or made now if `terms` allow it.
    pub async fn sign_in_by_identity(
        &self,
        tenant: TenantId,
        asserted: &Asserted,
        terms: Terms,
        command: CommandId,
    ) -> Result<(UserId, Current<User>), IdentityError> {
        let mut last = AccountError::IdentityTaken;
        for _ in 0..TRIES {
            let found = self.known_or_new(tenant, asserted, terms, command).await;
            match found {
                // A sign-in beside this one has linked or made the same user.
                Err(IdentityError::Account(
                    reason @ (AccountError::EmailTaken | AccountError::IdentityTaken),
                )) => last = reason,
                other => return other,
            }
        }
        Err(last.into())
    }

    /// Lets the user `ask.id` sign in by an identity as well.
    pub async fn link_identity(
        &self,
        ask: Ask,
        asserted: &Asserted,
    ) -> Result<Receipt<User>, AccountError> {
        let linked = self.linked(ask.tenant, asserted);
        self.to_its_end(|this| async move {
            let claiming = claiming(&ask, linked.identity);
            let _turn = (this.commands.turns)
                .take(user_stream(ask.tenant, UserId::new(ask.id)))
                .await;
            let claims = Claims {
                emails: &[],
                identities: &[claiming],
            };
            let command = UserCommand::LinkIdentity(linked);
            this.store_claims(&ask, &command, claims).await
        })
        .await
    }

    /// Lets the user `ask.id` sign in by `provider` no more.
    pub async fn unlink_identity(
        &self,
        ask: Ask,
        provider: &str,
    ) -> Result<Receipt<User>, AccountError> {
        let provider = provider.to_owned();
        self.to_its_end(|this| async move {
            let (tenant, id) = (ask.tenant, UserId::new(ask.id));
            let _turn = this.commands.turns.take(user_stream(tenant, id)).await;
            let user = this.user(&ask).await?;
            let state = user.state.as_ref();
            let linked = state.and_then(|user| user.identity_of(&provider));
            let released = linked.map(|linked| Claiming {
                command: IdentityClaimCommand::Release { user_id: id },
                stream: identity_stream(tenant, linked.identity),
            });
            let claims = Claims {
                emails: &[],
                identities: released.as_slice(),
            };
            // Of what is not linked nothing changes.
            let identity = linked.map_or(Uuid::nil(), |linked| linked.identity);
            let command = UserCommand::UnlinkIdentity { identity };
            this.store_claims(&ask, &command, claims).await
        })
        .await
    }

    /// Whether `what` is used for the first time, in all processes and within `life`.
    pub async fn use_once(&self, what: &[u8], life: Duration) -> Result<bool, Failure> {
        let digest = self.keyed_digest(&[b"once/", what].concat());
        let name = format!("once.{}", crate::fingerprint(&[&digest]));
        match self.vault.create_for(&name, b"used", life).await {
            Ok(()) => Ok(true),
            Err(VaultError::Conflict) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    async fn known_or_new(
        &self,
        tenant: TenantId,
        asserted: &Asserted,
        terms: Terms,
        command: CommandId,
    ) -> Result<(UserId, Current<User>), IdentityError> {
        let claim = self.linked(tenant, asserted).identity;
        let claim = self.commands.state::<IdentityClaim>(tenant, claim).await?;
        if let Some(holder) = claim.and_then(|claim| claim.state.holder) {
            return self.enabled(tenant, holder).await;
        }
        let email = asserted.email.as_deref().and_then(normalise_email);
        let email = email.ok_or(IdentityError::Unknown)?;
        let claim = self.claim_stream(tenant, &email).id;
        let claim = self.commands.state::<EmailClaim>(tenant, claim).await?;
        let holder = claim.and_then(|claim| claim.state.holder);
        match (holder, terms.create) {
            (Some(holder), _) if terms.trust_email => {
                self.enabled(tenant, holder).await?;
                let ask = Ask::new(Actor::User(holder), tenant, holder.uuid(), command);
                self.link_identity(ask, asserted).await?;
                self.enabled(tenant, holder).await
            }
            (Some(_), _) => Err(IdentityError::NotLinked),
            (None, Some(role)) => {
                let person = (command, email.as_str(), role);
                self.join(tenant, asserted, person).await
            }
            (None, None) => Err(IdentityError::Unknown),
        }
    }

    async fn enabled(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<(UserId, Current<User>), IdentityError> {
        let found = self.commands.state::<User>(tenant, user.uuid()).await?;
        match found.filter(|found| !found.state.disabled && !found.state.invited) {
            Some(found) => Ok((user, found)),
            None => Err(IdentityError::Disabled),
        }
    }

    /// Makes a user who has no password: none is kept, so none is right.
    async fn join(
        &self,
        tenant: TenantId,
        asserted: &Asserted,
        (command, email, role): (CommandId, &str, Role),
    ) -> Result<(UserId, Current<User>), IdentityError> {
        let (email, name) = (email.to_owned(), name_of(asserted, email));
        let linked = self.linked(tenant, asserted);
        let id = command.uuid();
        let user = UserId::new(id);
        let ask = Ask::new(Actor::User(user), tenant, id, command);
        let made = self.to_its_end(|this| async move {
            this.personal.create_key(tenant, user).await?;
            let stored = this.store_joined(&ask, &email, &name, linked, role).await;
            if stored.as_ref().is_err_and(AccountError::is_definite) {
                this.forget_unmade(user_stream(tenant, user)).await?;
            }
            stored
        });
        made.await?;
        self.enabled(tenant, user).await
    }

    async fn store_joined(
        &self,
        ask: &Ask,
        email: &str,
        name: &Name,
        linked: LinkedIdentity,
        role: Role,
    ) -> Result<Receipt<User>, AccountError> {
        let (tenant, user) = (ask.tenant, UserId::new(ask.id));
        let claims = Claims {
            emails: &[Claiming {
                command: EmailClaimCommand::Claim { user_id: user },
                stream: self.claim_stream(tenant, email),
            }],
            identities: &[claiming(ask, linked.identity)],
        };
        let command = UserCommand::Join {
            email: self.personal.seal(tenant, user, email).await?,
            linked,
            name: self.personal.seal(tenant, user, name.as_str()).await?,
            role,
        };
        self.store_claims(ask, &command, claims).await
    }

    /// What stands for an identity without telling it: 128 bits of a keyed digest.
    fn linked(&self, tenant: TenantId, asserted: &Asserted) -> LinkedIdentity {
        let Asserted {
            issuer, subject, ..
        } = asserted;
        let parts = [issuer.as_bytes(), subject.as_bytes()];
        let text = format!("identity/{tenant}/{}", crate::fingerprint(&parts));
        let digest = self.vault.keyed_digest(text.as_bytes());
        let mut identity = [0; 16];
        identity.copy_from_slice(&digest[..16]);
        LinkedIdentity {
            identity: Uuid::from_bytes(identity),
            provider: asserted.provider.clone(),
        }
    }
}

/// The subject on which an identity is claimed.
pub(super) const fn identity_stream(tenant: TenantId, identity: Uuid) -> StreamId {
    StreamId {
        tenant,
        kind: IdentityClaim::KIND,
        id: identity,
    }
}

fn claiming(ask: &Ask, identity: Uuid) -> Claiming<IdentityClaim> {
    let user_id = UserId::new(ask.id);
    Claiming {
        command: IdentityClaimCommand::Claim { user_id },
        stream: identity_stream(ask.tenant, identity),
    }
}

/// What people call them, or else the first part of their address.
fn name_of(asserted: &Asserted, email: &str) -> Name {
    let local = email.rsplit_once('@').map_or(email, |(local, _)| local);
    let told = asserted.name.as_deref().map(Name::try_new);
    told.and_then(Result::ok)
        .or_else(|| Name::try_new(local).ok())
        .unwrap_or_else(|| Name::try_new("User").expect("a name"))
}
