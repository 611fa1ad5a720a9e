//! What lies between a right password and the code that must follow it.
//!
//! Invariant: a challenge is given only for a right password, is good for one sign-in, five tries
//! and five minutes, and for nothing else. What changes how the user signs in ends it.

use std::time::Duration;

use domain::{TenantId, Timestamp, UserId, user::User};
use event_log::VaultError;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Identity, SecondFactor,
    factor::Checked,
    tickets::{Purpose, Ticket},
};
use crate::{Current, Failure};

/// How long a challenge may be answered.
const LASTS_MS: i64 = 5 * 60_000;
/// How often.
const TRIES_MAX: u32 = 5;
/// How long the vault keeps it: a minute more, since clocks differ.
const KEPT: Duration = Duration::from_mins(6);

/// What became of an answer to a challenge.
pub enum Answered {
    /// The challenge is unknown, spent, or too old: the sign-in must be begun anew.
    Ended,
    /// Too many codes were wrong: nothing was looked at.
    Paused {
        /// When to come back.
        seconds: i64,
    },
    /// They are who they say.
    Right(Box<SignedIn>),
    /// It was not the second factor.
    Wrong,
}

/// Somebody who may be signed in.
pub struct SignedIn {
    /// Whom they belong to.
    pub tenant: TenantId,
    /// Who they are.
    pub id: UserId,
    /// The user as the log has them.
    pub user: Current<User>,
}

/// A challenge as the vault keeps it.
#[derive(Deserialize, Serialize)]
struct Kept {
    expires_at: Timestamp,
    /// The second factor that is asked for.
    mfa: Uuid,
    /// The password that was right.
    password: Option<Uuid>,
    tries: u32,
}

impl Kept {
    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a challenge always encodes")
    }

    /// Whether `user` still signs in as they did when it was given.
    fn fits(&self, user: &User) -> bool {
        !user.disabled && user.mfa == Some(self.mfa) && user.credential == self.password
    }
}

impl Identity {
    /// A challenge for `user`, whose password was right; none if they have no second factor.
    pub async fn challenge(
        &self,
        tenant: TenantId,
        id: UserId,
        user: &User,
    ) -> Result<Option<SecretString>, Failure> {
        let Some(mfa) = user.mfa else {
            return Ok(None);
        };
        let ticket = Ticket::make(tenant, id);
        let kept = Kept {
            expires_at: self.commands.clock.now().plus_ms(LASTS_MS),
            mfa,
            password: user.credential,
            tries: 0,
        };
        let (name, value) = (name(&ticket), kept.encode());
        self.vault.create_for(&name, &value, KEPT).await?;
        Ok(Some(self.issue(Purpose::Challenge, &ticket)))
    }

    /// Whom `challenge` asks for a second factor, if it was given out here at all.
    pub fn challenged(&self, challenge: &str) -> Option<UserId> {
        let ticket = self.ticket(Purpose::Challenge, challenge)?;
        Some(ticket.user)
    }

    /// Answers `challenge` with a second factor.
    pub async fn answer_challenge(
        &self,
        challenge: &str,
        shown: &SecondFactor,
    ) -> Result<Answered, Failure> {
        let Some(ticket) = self.ticket(Purpose::Challenge, challenge) else {
            return Ok(Answered::Ended);
        };
        let Some(kept) = self.take_try(&ticket).await? else {
            return Ok(Answered::Ended);
        };
        let (tenant, id) = (ticket.tenant, ticket.user);
        let user = self.commands.state::<User>(tenant, id.uuid()).await?;
        let open = self.is_open(tenant).await?;
        let Some(user) = user.filter(|user| open && kept.fits(&user.state)) else {
            return Ok(Answered::Ended);
        };
        Ok(
            match self.check_factor(tenant, id, kept.mfa, shown).await? {
                Checked::Paused { seconds } => Answered::Paused { seconds },
                Checked::Wrong => Answered::Wrong,
                Checked::Right => {
                    self.vault.delete(&name(&ticket)).await?;
                    Answered::Right(Box::new(SignedIn { tenant, id, user }))
                }
            },
        )
    }

    /// Takes one of the tries before anything is looked at, so that many at once have no more.
    async fn take_try(&self, ticket: &Ticket) -> Result<Option<Kept>, Failure> {
        let name = name(ticket);
        for _ in 0..=TRIES_MAX {
            let Some(found) = self.vault.get(&name).await? else {
                return Ok(None);
            };
            let kept = serde_json::from_slice::<Kept>(&found.value);
            let kept = kept.map_err(|_| Failure::Corrupt("a challenge".into()))?;
            if kept.tries >= TRIES_MAX || self.commands.clock.now() >= kept.expires_at {
                return Ok(None);
            }
            let tries = kept.tries + 1;
            let next = Kept { tries, ..kept };
            let (value, vault) = (next.encode(), &self.vault);
            let replaced = vault.replace_for(&name, &value, found.revision, KEPT);
            match replaced.await {
                Ok(()) => return Ok(Some(next)),
                Err(VaultError::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        // Others were faster each time, so all tries are taken.
        Ok(None)
    }
}

/// What it is called in the vault, which does not have it itself.
fn name(ticket: &Ticket) -> String {
    let (tenant, user) = (ticket.tenant, ticket.user);
    format!("{tenant}.user.{user}.challenge.{}", ticket.digest())
}
