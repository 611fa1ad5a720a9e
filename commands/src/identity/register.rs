//! Becoming a user, and signing in as one.
//!
//! Invariant: the user and the claim on the address are stored together or not at all. Secrets are
//! kept before the user exists, so a user that exists can always sign in; secrets of a user that
//! came to nothing are removed again.

use domain::{
    Name, TenantId, UserId,
    email_claim::{EmailClaim, EmailClaimCommand},
    tenant::TenantCommand,
    user::{Role, User, UserCommand, UserRejection},
};
use schemas::{StreamId, Version};
use secrecy::SecretString;
use std::sync::Arc;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    AccountError, Identity,
    particulars::normalise_email,
    together::{Claiming, Claims, user_stream},
};
use crate::{Ask, CommandError, Current, Failure, Receipt, load::Loaded};

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

/// Somebody whose particulars are in order.
pub(super) struct Person {
    email: String,
    /// What makes the tenant that they are the first user of, to be stored with them.
    pub(super) founds: Option<TenantCommand>,
    name: Name,
    password: SecretString,
    role: Role,
}

/// What a registration writes to.
pub(super) struct Streams {
    pub(super) claim: StreamId,
    pub(super) user: StreamId,
}

impl Identity {
    /// Checks what somebody says of themselves.
    pub(super) async fn person(&self, wanted: Registration) -> Result<Person, AccountError> {
        let email = normalise_email(&wanted.email).ok_or(AccountError::InvalidEmail)?;
        let name = Name::try_new(&wanted.name)?;
        let known = [email.as_str(), name.as_str()];
        self.check_password(&wanted.password, &known).await?;
        Ok(Person {
            email,
            founds: None,
            name,
            password: wanted.password,
            role: wanted.role,
        })
    }

    /// Makes a user with the id `ask.id`.
    pub async fn register(
        &self,
        ask: Ask,
        wanted: Registration,
    ) -> Result<Receipt<User>, AccountError> {
        let person = self.person(wanted).await?;
        // Once begun it runs to its end, also if nobody waits any more.
        let this = self.clone();
        let running = async move { this.make(&ask, person).await };
        let running = tokio::spawn(running.in_current_span());
        running
            .await
            .unwrap_or_else(|reason| Err(Failure::Unknown(reason.to_string()).into()))
    }

    pub(super) async fn make(
        &self,
        ask: &Ask,
        person: Person,
    ) -> Result<Receipt<User>, AccountError> {
        let (tenant, user) = (ask.tenant, UserId::new(ask.id));
        let streams = Streams {
            claim: self.claim_stream(tenant, &person.email),
            user: user_stream(tenant, user),
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
            let kept = self.passwords.keep(tenant, user, None, &hashed).await?;
            // Another try of this command may be about to make the user with what it kept.
            let holder = Some((user, None));
            if !kept
                && !(self
                    .passwords
                    .check(tenant, holder, person.password)
                    .await?)
            {
                return Err(CommandError::Reused.into());
            }
            let claiming = [Claiming {
                command: EmailClaimCommand::Claim { user_id: user },
                stream: streams.claim,
            }];
            let claims = Claims {
                emails: &claiming,
                identities: &[],
            };
            let founds = person.founds.as_ref();
            let stored = self.store_founding(ask, &command, claims, founds);
            let receipt = stored.await?;
            if receipt.changed || receipt.replayed {
                return Ok(receipt);
            }
            Err(CommandError::Rejected(UserRejection::AlreadyExists).into())
        }
        .await;
        if is_new && stored.as_ref().is_err_and(AccountError::is_definite) {
            self.forget_unmade(streams.user).await?;
        }
        stored
    }

    /// What there is already: the answer to an earlier try, a user, or somebody else's claim.
    pub(super) async fn look(
        &self,
        ask: &Ask,
        streams: &Streams,
    ) -> Result<Option<Receipt<User>>, AccountError> {
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
            Some(holder) if holder.uuid() != ask.id => Err(AccountError::EmailTaken),
            _ => Ok(None),
        }
    }

    /// Removes the secrets of a user that came to nothing.
    pub(super) async fn forget_unmade(&self, stream: StreamId) -> Result<(), Failure> {
        let mut user = Arc::<Loaded<User>>::default();
        self.commands.catch_up(stream, &mut user).await?;
        if user.version == Version(0) {
            let (tenant, user) = (stream.tenant, UserId::new(stream.id));
            self.passwords.delete(tenant, user, None).await?;
            self.personal.delete_key(tenant, user).await?;
        }
        Ok(())
    }

    /// The user with this address and password; none if there is no such tenant or user, the
    /// password is wrong, either is closed, or they have not accepted yet. It takes the same time
    /// in each case: of nobody all is looked up that is of somebody.
    pub async fn sign_in(
        &self,
        tenant: TenantId,
        email: &str,
        password: SecretString,
    ) -> Result<Option<(UserId, Current<User>)>, Failure> {
        let open = self.is_open(tenant).await?;
        let claim = self.address_digest(tenant, email);
        let claim = self.commands.state::<EmailClaim>(tenant, claim).await?;
        let holder = claim.and_then(|claim| claim.state.holder);
        let id = holder.map_or(Uuid::nil(), UserId::uuid);
        let user = self.commands.state::<User>(tenant, id).await?;
        let credential = user.as_ref().and_then(|user| user.state.credential);
        let holder = holder.map(|holder| (holder, credential));
        let right = self.passwords.check(tenant, holder, password).await?;
        Ok(user
            .filter(|user| right && open && !user.state.disabled && !user.state.invited)
            .map(|user| (UserId::new(id), user)))
    }

    /// What stands for an address without telling it, however it is typed and whether or not it is
    /// anybody's; the same for all texts that are no address.
    pub fn address_digest(&self, tenant: TenantId, email: &str) -> Uuid {
        let email = normalise_email(email).unwrap_or_default();
        self.claim_stream(tenant, &email).id
    }
}
