//! Asking somebody to become a user, and letting them in.
//!
//! Invariant: which invitation counts is in the log, so of several who accept it one is let in, and
//! what renews or ends it needs no secret to be found. Its token is in one answer and kept only as
//! a digest.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use domain::{
    Actor, CommandId, Name, TenantId, Timestamp, UserId,
    email_claim::EmailClaimCommand,
    user::{Role, User, UserCommand},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    AccountError, Identity,
    particulars::normalise_email,
    register::Streams,
    tickets::{Purpose, Ticket},
    together::{Claiming, user_stream},
};
use crate::{Ask, CommandError, Failure, Receipt};

/// How long an invitation may be accepted: 7 days.
const LASTS_MS: i64 = 7 * 24 * 3_600_000;
/// How long the vault keeps it: a minute more, since clocks differ.
const KEPT: Duration = Duration::from_mins(7 * 24 * 60 + 1);

/// Somebody who is to be asked.
pub struct Invitation {
    /// The address to sign in with.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// Somebody who was asked.
pub struct Invited {
    /// Until when they can accept.
    pub expires_at: Timestamp,
    /// The command.
    pub receipt: Receipt<User>,
    /// What lets them in; nobody sees it again.
    pub token: SecretString,
}

/// Somebody who accepts.
pub struct Acceptance {
    /// The command's own identity.
    pub command: CommandId,
    /// What people call them, if not what the invitation says.
    pub name: Option<String>,
    /// The password to sign in with.
    pub password: SecretString,
    /// What the invitation was given with.
    pub token: SecretString,
}

/// Somebody who has let themselves in.
pub struct Accepted {
    /// Whom they belong to.
    pub tenant: TenantId,
    /// Who they are.
    pub id: UserId,
    /// The command.
    pub receipt: Receipt<User>,
}

/// An invitation as the vault keeps it.
#[derive(Deserialize, Serialize)]
struct Kept {
    digest: String,
    expires_at: Timestamp,
}

impl Identity {
    /// Makes a user with the id `ask.id` who can sign in as soon as they accept.
    pub async fn invite(&self, ask: Ask, wanted: Invitation) -> Result<Invited, AccountError> {
        let email = normalise_email(&wanted.email).ok_or(AccountError::InvalidEmail)?;
        let name = Name::try_new(&wanted.name)?;
        self.to_its_end(|this| async move {
            let receipt = this.make_invited(&ask, &email, &name, wanted.role).await?;
            this.invited(&ask, receipt).await
        })
        .await
    }

    /// Gives the user `ask.id`, who has not accepted yet, another invitation; the one before ends.
    pub async fn invite_again(&self, ask: Ask) -> Result<Invited, AccountError> {
        self.to_its_end(|this| async move {
            let command = UserCommand::RenewInvitation {
                invitation: ask.command.uuid(),
            };
            let receipt = this.commands.execute::<User>(ask.clone(), command).await?;
            this.invited(&ask, receipt).await
        })
        .await
    }

    /// Lets in who shows the token of an invitation that counts.
    pub async fn accept_invitation(&self, wanted: Acceptance) -> Result<Accepted, AccountError> {
        let text = wanted.token.expose_secret();
        let ticket = self.ticket(Purpose::Invitation, text);
        let ticket = ticket.ok_or(AccountError::InvalidInvitation)?;
        self.check_password(&wanted.password, &[]).await?;
        let name = wanted.name.as_deref().map(Name::try_new).transpose()?;
        let command = wanted.command;
        let (tenant, id) = (ticket.tenant, ticket.user);
        if !self.is_open(tenant).await? {
            return Err(AccountError::InvalidInvitation);
        }
        let ask = Ask::new(Actor::User(id), tenant, id.uuid(), command);
        self.to_its_end(|this| async move {
            let accepted = this.accept(&ask, &ticket, name.as_ref(), wanted.password);
            let receipt = accepted.await?;
            Ok(Accepted {
                tenant,
                id,
                receipt,
            })
        })
        .await
    }

    async fn make_invited(
        &self,
        ask: &Ask,
        email: &str,
        name: &Name,
        role: Role,
    ) -> Result<Receipt<User>, AccountError> {
        let (tenant, user) = (ask.tenant, UserId::new(ask.id));
        let streams = Streams {
            claim: self.claim_stream(tenant, email),
            user: user_stream(tenant, user),
        };
        let _turn = self.commands.turns.take(streams.user).await;
        if let Some(receipt) = self.look(ask, &streams).await? {
            return Ok(receipt);
        }
        let is_new = self.personal.create_key(tenant, user).await?;
        let stored = async {
            let command = UserCommand::Invite {
                email: self.personal.seal(tenant, user, email).await?,
                invitation: ask.command.uuid(),
                name: (self.personal.seal(tenant, user, name.as_str())).await?,
                role,
            };
            let claiming = Claiming {
                command: EmailClaimCommand::Claim { user_id: user },
                stream: streams.claim,
            };
            self.store_together(ask, &command, &[claiming]).await
        }
        .await;
        if is_new && stored.as_ref().is_err_and(AccountError::is_definite) {
            self.forget_unmade(streams.user).await?;
        }
        stored
    }

    /// The token of the invitation that `ask` has made; a retry whose answer was lost gets another.
    async fn invited(&self, ask: &Ask, receipt: Receipt<User>) -> Result<Invited, AccountError> {
        let ticket = Ticket::make(ask.tenant, UserId::new(ask.id));
        let expires_at = self.commands.clock.now().plus_ms(LASTS_MS);
        let kept = Kept {
            digest: ticket.digest(),
            expires_at,
        };
        let kept = serde_json::to_vec(&kept).expect("an invitation always encodes");
        let name = name(&ticket, ask.command.uuid());
        let stored = self.vault.put_for(&name, &kept, KEPT).await;
        // What is stored in the log must be asked for again if this fails.
        stored.map_err(|reason| Failure::Unknown(reason.to_string()))?;
        Ok(Invited {
            expires_at,
            receipt,
            token: self.issue(Purpose::Invitation, &ticket),
        })
    }

    async fn accept(
        &self,
        ask: &Ask,
        ticket: &Ticket,
        name: Option<&Name>,
        password: SecretString,
    ) -> Result<Receipt<User>, AccountError> {
        let (tenant, id) = (ticket.tenant, ticket.user);
        let _turn = self.commands.turns.take(user_stream(tenant, id)).await;
        let invitation = self.invitation(ask, ticket).await?;
        let credential = ask.command.uuid();
        let hashed = self.passwords.prepare(password).await?;
        let sealed = match name {
            Some(name) => Some(self.personal.seal(tenant, id, name.as_str()).await?),
            None => None,
        };
        let command = UserCommand::AcceptInvitation {
            credential,
            invitation,
            name: sealed,
        };
        let credential = Some(credential);
        self.passwords.keep(tenant, id, credential, &hashed).await?;
        let stored = self.store_together(ask, &command, &[]).await;
        match stored {
            Ok(receipt) => {
                let spent = self.vault.delete(&self::name(ticket, invitation)).await;
                spent.map_err(Failure::from)?;
                Ok(receipt)
            }
            Err(reason) => {
                if reason.is_definite() {
                    self.passwords.delete(tenant, id, credential).await?;
                }
                // Somebody was faster, or it was ended meanwhile.
                Err(match reason {
                    AccountError::Command(CommandError::Rejected(_)) => {
                        AccountError::InvalidInvitation
                    }
                    other => other,
                })
            }
        }
    }

    /// The invitation that counts now, if `ticket` is its.
    async fn invitation(&self, ask: &Ask, ticket: &Ticket) -> Result<Uuid, AccountError> {
        let invalid = || AccountError::InvalidInvitation;
        let user = self.user(ask).await?;
        let invitation = user.state.as_ref().and_then(|user| user.invitation);
        let invitation = invitation.ok_or_else(invalid)?;
        let kept = self.vault.get(&name(ticket, invitation)).await;
        let kept = kept.map_err(Failure::from)?.ok_or_else(invalid)?;
        let kept: Kept = serde_json::from_slice(&kept.value)
            .map_err(|_| Failure::Corrupt("an invitation".into()))?;
        let digest = ticket.digest();
        let is_its = verify_slices_are_equal(digest.as_bytes(), kept.digest.as_bytes());
        if is_its.is_err() || self.commands.clock.now() >= kept.expires_at {
            return Err(invalid());
        }
        Ok(invitation)
    }
}

/// What the invitation of a user is called in the vault.
fn name(ticket: &Ticket, invitation: Uuid) -> String {
    let (tenant, user) = (ticket.tenant, ticket.user);
    format!("{tenant}.user.{user}.invitation.{invitation}")
}
