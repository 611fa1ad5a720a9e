//! Showing again who one is, within a sign-in (RFC 9470).
//!
//! Invariant: whoever has a second factor shows that, so that a password that was stolen is not
//! enough; nothing but this and signing in changes when somebody was last seen to be who they say.

use domain::user::User;
use event_log::VaultError;
use secrecy::SecretString;

use super::{
    Authentication, Identity, Means, Principal, SecondFactor, factor::Checked, family::SessionId,
    revocations::Rights, sessions,
};
use crate::Failure;

/// How often the sign-in is changed anew after a refresh was faster.
const TRIES: usize = 5;

/// What somebody shows.
pub enum Shown {
    /// A code of their authenticator.
    Code(SecretString),
    /// Their password.
    Password(SecretString),
}

/// What became of it.
pub enum SteppedUp {
    /// The sign-in has ended.
    Ended,
    /// They have a second factor: a code is asked for, not a password.
    NeedsCode,
    /// They have no second factor: the password is asked for.
    NeedsPassword,
    /// Too many codes were wrong: nothing was looked at.
    Paused {
        /// When to come back.
        seconds: i64,
    },
    /// A token that says so.
    Right {
        /// A JWT.
        access: SecretString,
        /// For how long it is valid, in seconds.
        expires_in_s: u64,
    },
    /// It was not theirs.
    Wrong,
}

impl Identity {
    /// Lets `principal` show again who they are.
    pub async fn step_up(&self, principal: &Principal, shown: Shown) -> Result<SteppedUp, Failure> {
        let (tenant, id) = (principal.tenant, principal.user);
        let user = self.commands.state::<User>(tenant, id.uuid()).await?;
        let user = user.map(|user| user.state).filter(|user| !user.disabled);
        let Some(user) = user else {
            return Ok(SteppedUp::Ended);
        };
        let (checked, by) = match (user.mfa, shown) {
            (Some(mfa), Shown::Code(code)) => {
                let code = SecondFactor::Code(code);
                let checked = self.check_factor(tenant, id, mfa, &code).await?;
                (checked, Means::PasswordAndCode)
            }
            (None, Shown::Password(password)) => {
                let holder = Some((id, user.credential));
                let right = self.passwords.check(tenant, holder, password).await?;
                let checked = if right {
                    Checked::Right
                } else {
                    Checked::Wrong
                };
                (checked, Means::Password)
            }
            (Some(_), Shown::Password(_)) => return Ok(SteppedUp::NeedsCode),
            (None, Shown::Code(_)) => return Ok(SteppedUp::NeedsPassword),
        };
        match checked {
            Checked::Right => self.authenticated_again(principal, by).await,
            Checked::Wrong => Ok(SteppedUp::Wrong),
            Checked::Paused { seconds } => Ok(SteppedUp::Paused { seconds }),
        }
    }

    /// Notes it in the sign-in, so that the tokens of later refreshes say so as well.
    async fn authenticated_again(
        &self,
        principal: &Principal,
        by: Means,
    ) -> Result<SteppedUp, Failure> {
        let id = SessionId {
            tenant: principal.tenant,
            user: principal.user,
            session: principal.session,
        };
        let longest_ms = self.session_ms(id.tenant).await?;
        for _ in 0..TRIES {
            let Some(kept) = self.vault.get(&id.name()).await? else {
                return Ok(SteppedUp::Ended);
            };
            let now = self.commands.clock.now();
            let authenticated = Authentication { at: now, by };
            let family = sessions::decode(&kept.value)?.authenticated_again(authenticated);
            if now >= family.ends_at(longest_ms) {
                return Ok(SteppedUp::Ended);
            }
            let replaced = self.replace_session(id, &family, kept.revision);
            match replaced.await {
                Ok(()) => {
                    let rights = Rights {
                        platform: principal.platform,
                        role: Some(principal.role),
                    };
                    let (_, tokens) = self.tokens(id, &family, rights)?;
                    return Ok(SteppedUp::Right {
                        access: tokens.access,
                        expires_in_s: tokens.expires_in_s,
                    });
                }
                Err(VaultError::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Failure::Busy("the sign-in keeps changing"))
    }
}
