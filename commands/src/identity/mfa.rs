//! Turning a second factor on and off, and renewing its recovery codes.
//!
//! Invariant: a factor counts only after a code of it was shown. It is kept before the user's event
//! names it and removed only after the event that ends it, so whoever is asked for a code can give
//! one. Recovery codes are given out once and kept as digests. No other sign-in outlives a change.

use std::time::Duration;

use domain::{
    TenantId, UserId,
    user::{User, UserCommand, UserRejection},
};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::{
    AccountError, Identity,
    account::told,
    factor::{self, Factor},
    together::user_stream,
    totp,
};
use crate::{Ask, CommandError, Failure, Receipt};

/// How long an enrolment may be confirmed.
const ENROLLING: Duration = Duration::from_mins(15);

/// A second factor that is yet to be confirmed.
pub struct Enrolment {
    /// In base 32, to be typed.
    pub secret: SecretString,
    /// The same for an authenticator (`otpauth://`), to be shown as a picture.
    pub uri: SecretString,
}

/// A second factor that counts from now on.
pub struct Enrolled {
    /// The codes for those who lose their authenticator; nobody sees them again.
    pub recovery_codes: Vec<SecretString>,
    /// The command.
    pub receipt: Receipt<User>,
}

/// Whether somebody has a second factor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MfaState {
    /// Whether they are asked for a code.
    pub enabled: bool,
    /// How many recovery codes they have left.
    pub recovery_codes_left: usize,
}

impl Identity {
    /// Whether `user` has a second factor.
    pub async fn mfa_state(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<MfaState, AccountError> {
        let state = self.present(tenant, user).await?;
        let mut recovery_codes_left = 0;
        if let Some(credential) = state.mfa {
            let name = factor::name(tenant, user, credential);
            let kept = self.vault.get(&name).await.map_err(Failure::from)?;
            let factor = kept.map(|kept| Factor::decode(&kept.value)).transpose()?;
            recovery_codes_left = factor.map_or(0, |factor| factor.codes_left());
        }
        Ok(MfaState {
            enabled: state.mfa.is_some(),
            recovery_codes_left,
        })
    }

    /// A secret for an authenticator of `user`, in place of any that was not confirmed.
    pub async fn begin_totp(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Enrolment, AccountError> {
        let state = self.present(tenant, user).await?;
        if state.mfa.is_some() {
            return Err(CommandError::Rejected(UserRejection::MfaEnabled).into());
        }
        let secret: [u8; totp::SECRET] = runtime::random::bytes();
        let name = pending(tenant, user);
        let kept = self.vault.put_for(&name, &secret, ENROLLING).await;
        kept.map_err(Failure::from)?;
        let email = self.personal.open(tenant, user, &state.email).await?;
        let secret = totp::base32(&secret);
        let uri = totp::uri(&secret, email.as_deref().unwrap_or_default());
        Ok(Enrolment {
            secret: secret.into(),
            uri: uri.into(),
        })
    }

    /// Turns on the second factor of the user `ask.id` whose enrolment was begun, by a code of it;
    /// `session` goes on. A retry whose answer was lost gives new recovery codes.
    pub async fn confirm_totp(
        &self,
        ask: Ask,
        code: SecretString,
        session: Uuid,
    ) -> Result<Enrolled, AccountError> {
        let (tenant, user) = (ask.tenant, UserId::new(ask.id));
        self.to_its_end(|this| async move {
            let enrolled = this.enrol(&ask, &code).await?;
            told(this.end_sessions(tenant, user, Some(session)).await)?;
            Ok(enrolled)
        })
        .await
    }

    async fn enrol(&self, ask: &Ask, code: &SecretString) -> Result<Enrolled, AccountError> {
        let (tenant, user) = (ask.tenant, UserId::new(ask.id));
        let _turn = self.commands.turns.take(user_stream(tenant, user)).await;
        // The same for each try, so that a try whose answer was lost is known again.
        let credential = ask.command.uuid();
        let loaded = self.user(ask).await?;
        if let Some(receipt) = self.done(&loaded, ask).await? {
            let codes = self.replace_codes(tenant, user, credential).await?;
            return Ok(Enrolled {
                recovery_codes: codes.ok_or(AccountError::NoEnrolment)?,
                receipt,
            });
        }
        let name = pending(tenant, user);
        let pending = self.vault.get(&name).await.map_err(Failure::from)?;
        let pending = pending.ok_or(AccountError::NoEnrolment)?;
        let now = self.commands.clock.now();
        let step = totp::step_of(&pending.value, code.expose_secret(), now, None);
        let step = step.ok_or(AccountError::WrongCode)?;
        let (recovery_codes, digests) = self.make_codes(credential);
        let kept = Factor::new(&pending.value, step, digests).encode();
        let factor = factor::name(tenant, user, credential);
        let kept = self.vault.put(&factor, &kept).await;
        kept.map_err(Failure::from)?;
        let command = UserCommand::EnableMfa { credential };
        match self.store_together(ask, &command, &[]).await {
            Ok(receipt) => {
                self.vault.delete(&name).await.map_err(Failure::from)?;
                Ok(Enrolled {
                    recovery_codes,
                    receipt,
                })
            }
            Err(reason) => {
                if reason.is_definite() {
                    self.vault.delete(&factor).await.map_err(Failure::from)?;
                }
                Err(reason)
            }
        }
    }

    /// Turns off the second factor of the user `ask.id`; `except` is the only sign-in that goes on.
    pub async fn disable_mfa(
        &self,
        ask: Ask,
        except: Option<Uuid>,
    ) -> Result<Receipt<User>, AccountError> {
        let (tenant, user) = (ask.tenant, UserId::new(ask.id));
        self.to_its_end(|this| async move {
            let loaded = this.user(&ask).await?;
            let before = loaded.state.as_ref().and_then(|user| user.mfa);
            let command = UserCommand::DisableMfa;
            let receipt = this.commands.execute::<User>(ask, command).await?;
            // A late retry meets the next factor, which stays.
            if let Some(credential) = before.filter(|_| receipt.changed) {
                let name = factor::name(tenant, user, credential);
                told(this.vault.delete(&name).await.map_err(Failure::from))?;
            }
            told(this.end_sessions(tenant, user, except).await)?;
            Ok(receipt)
        })
        .await
    }

    /// Other recovery codes for `user`; those before work no more.
    pub async fn renew_recovery_codes(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Vec<SecretString>, AccountError> {
        let state = self.present(tenant, user).await?;
        let credential = state.mfa.ok_or(AccountError::NoMfa)?;
        let codes = self.replace_codes(tenant, user, credential).await?;
        codes.ok_or(AccountError::NoMfa)
    }

    /// Removes every second factor of `user`, what asks for one, and invitations.
    pub(super) async fn forget_ways_in(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<(), Failure> {
        for what in ["challenge", "invitation", "totp"] {
            let (pattern, mut after) = (format!("{tenant}.user.{user}.{what}.*"), 0);
            while let Some(change) = self.vault.next(&pattern, after).await? {
                after = change.revision;
                if change.value.is_some() {
                    self.vault.delete(&change.name).await?;
                }
            }
        }
        Ok(())
    }

    /// The user as the log has them now, who can be signed in.
    async fn present(&self, tenant: TenantId, user: UserId) -> Result<User, AccountError> {
        let found = self.commands.state::<User>(tenant, user.uuid()).await?;
        let state = found.map(|found| found.state);
        match state {
            None => Err(CommandError::Rejected(UserRejection::NotFound).into()),
            Some(state) if state.erased => {
                Err(CommandError::Rejected(UserRejection::Erased).into())
            }
            Some(state) => Ok(state),
        }
    }
}

/// What an enrolment that is not confirmed is called in the vault.
fn pending(tenant: TenantId, user: UserId) -> String {
    format!("{tenant}.user.{user}.totp.pending")
}
