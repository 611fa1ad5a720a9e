//! Becoming a user, and signing in as one.
//!
//! Invariant: the user and the claim on the address are stored together or not at all. Secrets are
//! kept before the user exists, so a user that exists can always sign in; secrets of a user that
//! came to nothing are removed again.

use domain::{
    Aggregate as _, InvalidName, Name, Sealed, TenantId, UserId,
    email_claim::{EmailClaim, EmailClaimCommand},
    user::{Role, User, UserCommand, UserRejection},
};
use event_log::AppendError;
use schemas::{StreamId, Version};
use secrecy::SecretString;
use std::sync::Arc;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    Identity,
    particulars::{check_password, normalise_email},
};
use crate::{Ask, CommandError, Current, Failure, Receipt, error::Unheard, load::Loaded};

/// How often a registration is decided anew after others were faster.
const TRIES: usize = 5;

/// Somebody who wants to be a user.
pub struct Registration {
    /// The address to sign in with.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// The password to sign in with.
    pub password: SecretString,
    /// What they may do.
    pub role: Role,
}

/// Why somebody did not become a user.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The command did not succeed.
    #[error(transparent)]
    Command(#[from] CommandError<UserRejection>),
    /// The address belongs to somebody.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// That is no address.
    #[error("not an e-mail address")]
    InvalidEmail,
    /// That is no name.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// The password would be guessed.
    #[error("{0}")]
    WeakPassword(String),
}

/// Somebody whose particulars are in order.
struct Person {
    email: String,
    name: Name,
    password: SecretString,
    role: Role,
}

/// What a registration writes to.
struct Streams {
    claim: StreamId,
    user: StreamId,
}

impl RegisterError {
    /// Whether nothing was stored, for certain.
    const fn is_definite(&self) -> bool {
        match self {
            Self::Command(CommandError::Failed(failure)) => failure.is_definite(),
            _ => true,
        }
    }
}

impl From<Failure> for RegisterError {
    fn from(failure: Failure) -> Self {
        Self::Command(CommandError::Failed(failure))
    }
}

impl Identity {
    /// Makes a user with the id `ask.id`.
    pub async fn register(
        &self,
        ask: Ask,
        wanted: Registration,
    ) -> Result<Receipt<User>, RegisterError> {
        let email = normalise_email(&wanted.email).ok_or(RegisterError::InvalidEmail)?;
        let name = Name::try_new(&wanted.name)?;
        check_password(&wanted.password)?;
        let person = Person {
            email,
            name,
            password: wanted.password,
            role: wanted.role,
        };
        // Once begun it runs to its end, also if nobody waits any more.
        let this = self.clone();
        let running = async move { this.make(&ask, person).await };
        let running = tokio::spawn(running.in_current_span());
        running
            .await
            .unwrap_or_else(|reason| Err(Failure::Unknown(reason.to_string()).into()))
    }

    async fn make(&self, ask: &Ask, person: Person) -> Result<Receipt<User>, RegisterError> {
        let (tenant, user) = (ask.tenant, UserId::new(ask.id));
        let streams = Streams {
            claim: self.claim_stream(tenant, &person.email),
            user: StreamId {
                tenant,
                kind: User::KIND,
                id: ask.id,
            },
        };
        // Of two requests for one user the second finds what the first has made.
        let _turn = self.commands.turns.take(streams.user).await;
        if let Some(receipt) = self.look(ask, &streams).await? {
            return Ok(receipt);
        }
        let hashed = self.passwords.prepare(person.password.clone()).await?;
        let is_new = self.personal.create_key(tenant, user).await?;
        let stored = async {
            let command = UserCommand::Register {
                email: self.personal.seal(tenant, user, &person.email).await?,
                name: (self.personal.seal(tenant, user, person.name.as_str())).await?,
                role: person.role,
            };
            let kept = self.passwords.keep(tenant, user, &hashed).await?;
            // Another try of this command may be about to make the user with what it kept.
            let password = person.password;
            if !kept && !self.passwords.check(tenant, Some(user), password).await? {
                return Err(CommandError::Reused.into());
            }
            self.store(ask, &streams, &command).await
        }
        .await;
        if is_new && stored.as_ref().is_err_and(RegisterError::is_definite) {
            self.forget(&streams).await?;
        }
        stored
    }

    /// What there is already: the answer to an earlier try, a user, or somebody else's claim.
    async fn look(
        &self,
        ask: &Ask,
        streams: &Streams,
    ) -> Result<Option<Receipt<User>>, RegisterError> {
        let commands = &self.commands;
        let mut held = Arc::<Loaded<EmailClaim>>::default();
        commands.catch_up(streams.claim, &mut held).await?;
        let mut user = Arc::<Loaded<User>>::default();
        commands.catch_up(streams.user, &mut user).await?;
        if let Some(receipt) = commands.past(streams.user, &user, ask).await? {
            return Ok(Some(receipt));
        }
        if user.state.is_some() {
            return Err(CommandError::Rejected(UserRejection::AlreadyExists).into());
        }
        match held.state.as_ref().and_then(|claim| claim.holder) {
            Some(holder) if holder.uuid() != ask.id => Err(RegisterError::EmailTaken),
            _ => Ok(None),
        }
    }

    /// Removes the secrets of a user that came to nothing.
    async fn forget(&self, streams: &Streams) -> Result<(), Failure> {
        let mut user = Arc::<Loaded<User>>::default();
        self.commands.catch_up(streams.user, &mut user).await?;
        if user.version == Version(0) {
            let (tenant, user) = (streams.user.tenant, UserId::new(streams.user.id));
            self.passwords.delete(tenant, user).await?;
            self.personal.delete_key(tenant, user).await?;
        }
        Ok(())
    }

    /// The user with this address and password; none if there is no such user, the password is
    /// wrong, or they are disabled. It takes the same time in each case.
    pub async fn sign_in(
        &self,
        tenant: TenantId,
        email: &str,
        password: SecretString,
    ) -> Result<Option<(UserId, Current<User>)>, Failure> {
        let email = normalise_email(email).unwrap_or_default();
        let claim = self.claim_stream(tenant, &email);
        let claim = self.commands.state::<EmailClaim>(tenant, claim.id).await?;
        let holder = claim.and_then(|claim| claim.state.holder);
        let right = self.passwords.check(tenant, holder, password).await?;
        let Some(user) = holder.filter(|_| right) else {
            return Ok(None);
        };
        let current = self.commands.state::<User>(tenant, user.uuid()).await?;
        Ok(current
            .filter(|current| !current.state.disabled)
            .map(|current| (user, current)))
    }

    /// The subject on which an address is claimed: 128 bits of a keyed digest.
    fn claim_stream(&self, tenant: TenantId, email: &str) -> StreamId {
        let digest = self
            .vault
            .keyed_digest(format!("email/{tenant}/{email}").as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        StreamId {
            tenant,
            kind: EmailClaim::KIND,
            id: Uuid::from_bytes(id),
        }
    }

    /// Claims the address and makes the user, both in one atomic batch.
    async fn store(
        &self,
        ask: &Ask,
        streams: &Streams,
        register: &UserCommand,
    ) -> Result<Receipt<User>, RegisterError> {
        let commands = &self.commands;
        let claim = EmailClaimCommand::Claim {
            user_id: UserId::new(ask.id),
        };
        let claim_ask = Ask {
            id: streams.claim.id,
            expected: None,
            ..ask.clone()
        };
        let mut unheard = Unheard::default();
        for _ in 0..TRIES {
            // The claim first: if it is this user's by then, the user is there to be found.
            let mut held = Arc::<Loaded<EmailClaim>>::default();
            let mut user = Arc::<Loaded<User>>::default();
            let claim_read = commands.catch_up(streams.claim, &mut held).await;
            claim_read.map_err(|failure| unheard.of(failure))?;
            let user_read = commands.catch_up(streams.user, &mut user).await;
            user_read.map_err(|failure| unheard.of(failure))?;
            if let Some(receipt) = commands.past(streams.user, &user, ask).await? {
                return Ok(receipt);
            }
            let Some(registered) = commands.decide(streams.user, &user, ask, register)? else {
                return Err(CommandError::Rejected(UserRejection::AlreadyExists).into());
            };
            let claimed = commands
                .decide(streams.claim, &held, &claim_ask, &claim)
                .map_err(|reason| match reason {
                    CommandError::Failed(failure) => failure.into(),
                    _ => RegisterError::EmailTaken,
                })?;
            let Some(claimed) = claimed else {
                continue;
            };
            let both = vec![claimed.commit.clone(), registered.commit.clone()];
            match commands.log.append_all(both).await.as_deref() {
                Ok([at_claim, at_user]) => {
                    commands.written(streams.claim, held, &claimed, *at_claim);
                    return Ok(commands.written(streams.user, user, &registered, *at_user));
                }
                Ok(_) => unheard.note("an answer of another batch".to_owned()),
                // Either may have succeeded unheard; the next round finds out from the log.
                Err(AppendError::Conflict) => {}
                Err(AppendError::Unknown(reason)) => unheard.note(reason.clone()),
                Err(other) => return Err(unheard.of(Failure::of_append(other.clone())).into()),
            }
        }
        // The last try may have been stored unheard.
        match self.look(ask, streams).await {
            Ok(Some(receipt)) => Ok(receipt),
            _ => Err(unheard.or(CommandError::Contended).into()),
        }
    }

    /// A name for `user`, sealed.
    pub async fn seal_name(
        &self,
        tenant: TenantId,
        user: UserId,
        name: &Name,
    ) -> Result<Sealed, Failure> {
        self.personal.seal(tenant, user, name.as_str()).await
    }
}
