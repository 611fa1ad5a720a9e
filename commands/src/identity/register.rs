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
use schemas::StreamId;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::Identity;
use crate::{Ask, CommandError, Current, Failure, Receipt, load::Loaded};

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
        let (tenant, user) = (ask.tenant, UserId::new(ask.id));
        let claim = self.claim_stream(tenant, &email);
        if self.is_taken(claim, user).await? {
            return Err(RegisterError::EmailTaken);
        }
        self.personal.create_key(tenant, user).await?;
        let this = self.clone();
        let running = tokio::spawn(async move {
            let sealed_email = this.personal.seal(tenant, user, &email).await?;
            let sealed_name = this.personal.seal(tenant, user, name.as_str()).await?;
            this.passwords.set(tenant, user, wanted.password).await?;
            let role = wanted.role;
            let command = UserCommand::Register {
                email: sealed_email,
                name: sealed_name,
                role,
            };
            let stored = this.store(&ask, claim, &command).await;
            if let Err(RegisterError::EmailTaken) = stored {
                this.passwords.delete(tenant, user).await?;
                this.personal.delete_key(tenant, user).await?;
            }
            stored
        });
        running
            .await
            .unwrap_or_else(|reason| Err(Failure::Unknown(reason.to_string()).into()))
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

    async fn is_taken(&self, claim: StreamId, by_other_than: UserId) -> Result<bool, Failure> {
        let claim = self
            .commands
            .state::<EmailClaim>(claim.tenant, claim.id)
            .await?;
        let holder = claim.and_then(|claim| claim.state.holder);
        Ok(holder.is_some_and(|holder| holder != by_other_than))
    }

    /// Claims the address and makes the user, both in one atomic batch.
    async fn store(
        &self,
        ask: &Ask,
        claim_stream: StreamId,
        register: &UserCommand,
    ) -> Result<Receipt<User>, RegisterError> {
        let commands = &self.commands;
        let user_stream = StreamId {
            tenant: ask.tenant,
            kind: User::KIND,
            id: ask.id,
        };
        let claim = EmailClaimCommand::Claim {
            user_id: UserId::new(ask.id),
        };
        let claim_ask = Ask {
            id: claim_stream.id,
            expected: None,
            ..ask.clone()
        };
        for _ in 0..TRIES {
            let mut user = Loaded::<User>::default();
            let mut held = Loaded::<EmailClaim>::default();
            commands.catch_up(user_stream, &mut user).await?;
            commands.catch_up(claim_stream, &mut held).await?;
            if let Some(past) = user.past(ask.command) {
                if past.fingerprint != ask.fingerprint {
                    return Err(CommandError::Reused.into());
                }
                return Ok(commands.replay(user_stream, past).await?);
            }
            let Some(registered) = commands.decide(user_stream, &user, ask, register)? else {
                return Err(CommandError::Rejected(UserRejection::AlreadyExists).into());
            };
            let claimed = commands
                .decide(claim_stream, &held, &claim_ask, &claim)
                .map_err(|_taken| RegisterError::EmailTaken)?;
            let Some(claimed) = claimed else {
                return Err(RegisterError::EmailTaken);
            };
            let both = vec![claimed.commit.clone(), registered.commit.clone()];
            match commands.log.append_all(both).await.as_deref() {
                Ok([at_claim, at_user]) => {
                    commands.written(claim_stream, held, &claimed, *at_claim);
                    return Ok(commands.written(user_stream, user, &registered, *at_user));
                }
                Ok(_) => return Err(Failure::Unknown("an answer of another batch".into()).into()),
                // Either may have succeeded unheard; the next round finds out from the log.
                Err(AppendError::Conflict | AppendError::Unknown(_)) => {}
                Err(other) => return Err(Failure::of_append(other.clone()).into()),
            }
        }
        Err(CommandError::Contended.into())
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

/// The form in which addresses are compared: trimmed and in lower case. Not a check that mail
/// arrives.
fn normalise_email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (local, host) = text.rsplit_once('@')?;
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    let fits = !local.is_empty() && !host.is_empty() && text.len() <= 254;
    (fits && !host.starts_with('.') && !host.ends_with('.') && text.chars().all(plain))
        .then_some(text)
}

fn check_password(password: &SecretString) -> Result<(), RegisterError> {
    let text = password.expose_secret();
    if text.chars().count() < 8 {
        return Err(RegisterError::WeakPassword(
            "a password has at least 8 characters".into(),
        ));
    }
    if text.len() > 1024 {
        return Err(RegisterError::WeakPassword(
            "a password has at most 1024 bytes".into(),
        ));
    }
    let mut letters = text.chars();
    let first = letters.next();
    if letters.all(|letter| Some(letter) == first) {
        return Err(RegisterError::WeakPassword(
            "one repeated character is too easy".into(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_in_one_form() {
        assert_eq!(
            normalise_email(" Ann@Example.ORG "),
            Some("ann@example.org".into())
        );
        for wrong in [
            "",
            "ann",
            "@example.org",
            "ann@",
            "a nn@x.org",
            "ann@x.org.",
            "a\0@x.org",
        ] {
            assert_eq!(normalise_email(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn weak_passwords_are_refused() {
        let check = |text: &str| check_password(&SecretString::from(text)).is_ok();
        assert!(check("correct horse"));
        assert!(!check("short") && !check("aaaaaaaaaaaa") && !check(&"ab".repeat(600)));
    }
}
