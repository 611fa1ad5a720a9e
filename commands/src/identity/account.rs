//! What becomes of somebody who is a user: name, role, address, password.
//!
//! Invariant: a new password is kept before the user's event names it and an old one removed only
//! afterwards, so at each moment exactly one works. A change is acknowledged when every process is
//! told what it ends, which goes on also if nobody waits for the answer.

use domain::{
    Name, TenantId, UserId,
    email_claim::EmailClaimCommand,
    user::{Role, User, UserCommand},
};
use secrecy::SecretString;
use std::sync::Arc;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    AccountError, Identity,
    particulars::normalise_email,
    together::{Claiming, user_stream},
};
use crate::{Ask, CommandError, Failure, Receipt, load::Loaded};

/// What is to be different of a user.
#[derive(Debug, Default)]
pub struct AccountChange {
    /// What people call them.
    pub name: Option<String>,
    /// What they may do.
    pub role: Option<Role>,
}

/// A new password, and the one before unless an administrator sets it.
pub struct PasswordChange {
    /// The sign-in that goes on; all others end.
    pub session: Option<Uuid>,
    /// The password that they sign in with now.
    pub current: Option<SecretString>,
    /// The password that they want to sign in with.
    pub new: SecretString,
}

/// A new address, and the password unless an administrator sets it.
pub struct EmailChange {
    /// The address to sign in with.
    pub email: String,
    /// The password that they sign in with now.
    pub password: Option<SecretString>,
}

impl Identity {
    /// Changes what is given of the user `ask.id`.
    pub async fn change_account(
        &self,
        ask: Ask,
        change: AccountChange,
    ) -> Result<Receipt<User>, AccountError> {
        self.to_its_end(|this| async move { this.update(ask, change).await })
            .await
    }

    /// Lets the user `ask.id` sign in no more, nor stay signed in.
    pub async fn disable(&self, ask: Ask) -> Result<Receipt<User>, AccountError> {
        let (tenant, id) = (ask.tenant, UserId::new(ask.id));
        self.to_its_end(|this| async move {
            let command = UserCommand::Disable;
            let receipt = this.commands.execute::<User>(ask, command).await?;
            told(this.end_sessions(tenant, id, None).await)?;
            told(this.rights_changed(tenant, id).await)?;
            Ok(receipt)
        })
        .await
    }

    /// Lets the user `ask.id` sign in again.
    pub async fn enable(&self, ask: Ask) -> Result<Receipt<User>, AccountError> {
        let (tenant, id) = (ask.tenant, UserId::new(ask.id));
        self.to_its_end(|this| async move {
            let command = UserCommand::Enable;
            let receipt = this.commands.execute::<User>(ask, command).await?;
            told(this.rights_changed(tenant, id).await)?;
            Ok(receipt)
        })
        .await
    }

    async fn update(&self, ask: Ask, change: AccountChange) -> Result<Receipt<User>, AccountError> {
        let (tenant, id) = (ask.tenant, UserId::new(ask.id));
        let name = change.name.as_deref().map(Name::try_new).transpose()?;
        let mut sealed = None;
        if let Some(name) = &name {
            let user = self.user(&ask).await?;
            // Nobody's and an erased person's name need not be sealed: they say no to any.
            if user.state.as_ref().is_some_and(|user| !user.erased) {
                sealed = Some(self.personal.seal(tenant, id, name.as_str()).await?);
            }
        }
        let command = UserCommand::Update {
            name: sealed,
            role: change.role,
        };
        let receipt = self.commands.execute::<User>(ask, command).await?;
        if change.role.is_some() {
            told(self.rights_changed(tenant, id).await)?;
        }
        Ok(receipt)
    }

    /// Gives the user `ask.id` another password.
    pub async fn change_password(
        &self,
        ask: Ask,
        change: PasswordChange,
    ) -> Result<Receipt<User>, AccountError> {
        self.check_password(&change.new, &[]).await?;
        let (tenant, id, session) = (ask.tenant, UserId::new(ask.id), change.session);
        self.to_its_end(|this| async move {
            let receipt = this.set_password(&ask, change).await?;
            told(this.end_sessions(tenant, id, session).await)?;
            Ok(receipt)
        })
        .await
    }

    /// Gives the user `ask.id` another address.
    pub async fn change_email(
        &self,
        ask: Ask,
        change: EmailChange,
    ) -> Result<Receipt<User>, AccountError> {
        let email = normalise_email(&change.email).ok_or(AccountError::InvalidEmail)?;
        self.to_its_end(|this| async move { this.set_email(&ask, &email, change.password).await })
            .await
    }

    async fn set_password(
        &self,
        ask: &Ask,
        change: PasswordChange,
    ) -> Result<Receipt<User>, AccountError> {
        let (tenant, id) = (ask.tenant, UserId::new(ask.id));
        let _turn = self.commands.turns.take(user_stream(tenant, id)).await;
        let user = self.user(ask).await?;
        if let Some(receipt) = self.done(&user, ask).await? {
            return Ok(receipt);
        }
        let before = user.state.as_ref().and_then(|user| user.credential);
        self.check_current(ask, &user, change.current).await?;
        // The same for each try, so that a try whose answer was lost is known again.
        let credential = ask.command.uuid();
        let hashed = self.passwords.prepare(change.new.clone()).await?;
        let exists = user.state.as_ref().is_some_and(|user| !user.erased);
        if exists {
            let passwords = &self.passwords;
            let kept = passwords
                .keep(tenant, id, Some(credential), &hashed)
                .await?;
            // An earlier try of this command may have kept what it was given.
            let holder = Some((id, Some(credential)));
            if !kept && !passwords.check(tenant, holder, change.new).await? {
                return Err(CommandError::Reused.into());
            }
        }
        let command = UserCommand::ChangePassword { credential };
        let stored = self.store_together(ask, &command, &[]).await;
        match &stored {
            Ok(_) => self.passwords.delete(tenant, id, before).await?,
            Err(reason) if exists && reason.is_definite() => {
                (self.passwords)
                    .delete(tenant, id, Some(credential))
                    .await?;
            }
            Err(_) => {}
        }
        stored
    }

    async fn set_email(
        &self,
        ask: &Ask,
        email: &str,
        password: Option<SecretString>,
    ) -> Result<Receipt<User>, AccountError> {
        let (tenant, id) = (ask.tenant, UserId::new(ask.id));
        let _turn = self.commands.turns.take(user_stream(tenant, id)).await;
        let user = self.user(ask).await?;
        if let Some(receipt) = self.done(&user, ask).await? {
            return Ok(receipt);
        }
        self.check_current(ask, &user, password).await?;
        let Some(state) = user.state.as_ref().filter(|user| !user.erased) else {
            let email = domain::Sealed::default();
            let command = UserCommand::ChangeEmail { email };
            return self.store_together(ask, &command, &[]).await;
        };
        let before = self.personal.open(tenant, id, &state.email).await?;
        let mut claims = Vec::new();
        if before.as_deref() != Some(email) {
            claims.push(Claiming {
                command: EmailClaimCommand::Claim { user_id: id },
                stream: self.claim_stream(tenant, email),
            });
            claims.extend(before.map(|before| Claiming {
                command: EmailClaimCommand::Release { user_id: id },
                stream: self.claim_stream(tenant, &before),
            }));
        }
        let email = self.personal.seal(tenant, id, email).await?;
        let command = UserCommand::ChangeEmail { email };
        self.store_together(ask, &command, &claims).await
    }

    /// Whether they know the password they sign in with, where that is asked.
    async fn check_current(
        &self,
        ask: &Ask,
        user: &Loaded<User>,
        password: Option<SecretString>,
    ) -> Result<(), AccountError> {
        let Some(password) = password else {
            return Ok(());
        };
        let credential = user.state.as_ref().and_then(|user| user.credential);
        let holder = Some((UserId::new(ask.id), credential));
        let right = self.passwords.check(ask.tenant, holder, password).await?;
        if right {
            return Ok(());
        }
        Err(AccountError::WrongPassword)
    }

    /// The user as the log has them now.
    pub(super) async fn user(&self, ask: &Ask) -> Result<Arc<Loaded<User>>, Failure> {
        let stream = user_stream(ask.tenant, UserId::new(ask.id));
        let mut user = Arc::default();
        self.commands.catch_up(stream, &mut user).await?;
        Ok(user)
    }

    /// The answer to an earlier try of the same command.
    pub(super) async fn done(
        &self,
        user: &Loaded<User>,
        ask: &Ask,
    ) -> Result<Option<Receipt<User>>, CommandError<domain::user::UserRejection>> {
        let stream = user_stream(ask.tenant, UserId::new(ask.id));
        self.commands.past(stream, user, ask).await
    }

    /// Once begun it runs to its end, also if nobody waits any more.
    pub(super) async fn to_its_end<F, T>(
        &self,
        work: impl FnOnce(Self) -> F,
    ) -> Result<T, AccountError>
    where
        F: Future<Output = Result<T, AccountError>> + Send + 'static,
        T: Send + 'static,
    {
        let running = tokio::spawn(work(self.clone()).in_current_span());
        running
            .await
            .unwrap_or_else(|reason| Err(Failure::Unknown(reason.to_string()).into()))
    }

    /// Removes everything secret of a user.
    pub(super) async fn forget(&self, tenant: TenantId, user: UserId) -> Result<(), Failure> {
        let stream = user_stream(tenant, user);
        let mut loaded = Arc::<Loaded<User>>::default();
        self.commands.catch_up(stream, &mut loaded).await?;
        let credential = loaded.state.as_ref().and_then(|user| user.credential);
        self.passwords.delete(tenant, user, credential).await?;
        self.forget_ways_in(tenant, user).await?;
        self.personal.delete_key(tenant, user).await
    }
}

/// What is stored already must be asked for again if others could not be told of it.
pub(super) fn told(outcome: Result<(), Failure>) -> Result<(), Failure> {
    outcome.map_err(|reason| Failure::Unknown(reason.to_string()))
}
