//! A user and the claims on their addresses and identities, and a tenant with its first user,
//! changed together.
//!
//! Invariant: all of it is stored in one atomic batch or nothing is; whoever holds an address or an
//! identity is a user that has it.

use std::sync::Arc;

use domain::{
    Aggregate, TenantId, UserId,
    email_claim::{EmailClaim, EmailClaimCommand},
    identity_claim::{IdentityClaim, IdentityClaimCommand},
    tenant::{Tenant, TenantCommand},
    user::{User, UserCommand},
};
use event_log::{AppendError, NewCommit};
use schemas::{Position, StreamId, catalogue::Recorded};
use uuid::Uuid;

use super::{AccountError, Identity, tenants::tenant_stream};
use crate::{Ask, CommandError, Failure, Receipt, error::Unheard, execute::Decided, load::Loaded};

/// How often it is decided anew after others were faster.
const TRIES: usize = 5;

/// What is to happen to an address, or to an identity.
pub(super) struct Claiming<A: Claim = EmailClaim> {
    pub(super) command: A::Command,
    pub(super) stream: StreamId,
}

/// What makes something one user's.
pub(super) trait Claim: Aggregate<Event: Recorded> {
    /// Whether `command` gives it up.
    fn releases(command: &Self::Command) -> bool;

    /// What to say if it is somebody else's.
    fn taken() -> AccountError;
}

/// What is to happen besides a user's command.
#[derive(Clone, Copy, Default)]
pub(super) struct Claims<'a> {
    pub(super) emails: &'a [Claiming],
    pub(super) identities: &'a [Claiming<IdentityClaim>],
}

/// Everything one try has read.
struct Read {
    emails: Vec<Arc<Loaded<EmailClaim>>>,
    identities: Vec<Arc<Loaded<IdentityClaim>>>,
    user: Arc<Loaded<User>>,
}

/// A claim that changes, with what it was decided on.
type Changed<A> = (StreamId, Arc<Loaded<A>>, Decided<A>);

impl Claim for EmailClaim {
    fn releases(command: &EmailClaimCommand) -> bool {
        matches!(command, EmailClaimCommand::Release { .. })
    }

    fn taken() -> AccountError {
        AccountError::EmailTaken
    }
}

impl Claim for IdentityClaim {
    fn releases(command: &IdentityClaimCommand) -> bool {
        matches!(command, IdentityClaimCommand::Release { .. })
    }

    fn taken() -> AccountError {
        AccountError::IdentityTaken
    }
}

impl Identity {
    /// Runs `command` and everything of `emails` that still changes something.
    pub(super) async fn store_together(
        &self,
        ask: &Ask,
        command: &UserCommand,
        emails: &[Claiming],
    ) -> Result<Receipt<User>, AccountError> {
        let claims = Claims {
            emails,
            identities: &[],
        };
        self.store_claims(ask, command, claims).await
    }

    /// Runs `command` and everything of `claims` that still changes something.
    pub(super) async fn store_claims(
        &self,
        ask: &Ask,
        command: &UserCommand,
        claims: Claims<'_>,
    ) -> Result<Receipt<User>, AccountError> {
        self.store_founding(ask, command, claims, None).await
    }

    /// The same, with the command that makes the user's tenant, if it is to be made.
    pub(super) async fn store_founding(
        &self,
        ask: &Ask,
        command: &UserCommand,
        claims: Claims<'_>,
        founding: Option<&TenantCommand>,
    ) -> Result<Receipt<User>, AccountError> {
        let stream = user_stream(ask.tenant, UserId::new(ask.id));
        let mut unheard = Unheard::default();
        for _ in 0..TRIES {
            let ground = self.ground(ask, founding).await;
            let ground = ground.map_err(|failure| unheard.of(failure))?;
            let read = self.read_together(stream, claims).await;
            let read = read.map_err(|failure| unheard.of(failure))?;
            let user = read.user;
            if let Some(receipt) = self.commands.past(stream, &user, ask).await? {
                return Ok(receipt);
            }
            if let Some(expected) = ask.expected.filter(|expected| *expected != user.version) {
                let current = user.version;
                return Err(CommandError::VersionMismatch { expected, current }.into());
            }
            let Some(decided) = self.commands.decide(stream, &user, ask, command)? else {
                return Ok(Receipt {
                    changed: false,
                    position: user.position,
                    replayed: false,
                    state: user.state.clone(),
                    version: user.version,
                });
            };
            let founded = ground.map(|(held, command)| self.founded(ask, held, command));
            let founded = founded.transpose()?;
            let emails = self.changed(ask, claims.emails, read.emails)?;
            let identities = self.changed(ask, claims.identities, read.identities)?;
            let ground = founded.iter().map(|(_, tenant)| tenant.commit.clone());
            let claimed = commits(&emails).chain(commits(&identities));
            let mut batch: Vec<_> = claimed.chain(ground).collect();
            batch.push(decided.commit.clone());
            let count = batch.len();
            match self.commands.log.append_all(batch).await {
                Ok(positions) if positions.len() == count => {
                    let (of_emails, rest) = positions.split_at(emails.len());
                    self.taken_in(emails, of_emails);
                    self.taken_in(identities, rest);
                    if let Some((held, decided)) = founded {
                        let (stream, at) = (tenant_stream(ask.tenant), positions[count - 2]);
                        self.commands.written(stream, held, &decided, at);
                    }
                    let last = positions[count - 1];
                    return Ok(self.commands.written(stream, user, &decided, last));
                }
                Ok(_) => unheard.note("an answer of another batch".to_owned()),
                // It may have succeeded unheard; the next round finds out from the log.
                Err(AppendError::Conflict) => {}
                Err(AppendError::Unknown(reason)) => unheard.note(reason),
                Err(other) => return Err(unheard.of(Failure::of_append(other)).into()),
            }
        }
        // The last try may have been stored unheard.
        let found = match self.read_together(stream, Claims::default()).await {
            Ok(read) => self.commands.past(stream, &read.user, ask).await.ok(),
            Err(_) => None,
        };
        let contended = || unheard.or(CommandError::Contended).into();
        found.flatten().ok_or_else(contended)
    }

    /// The tenant that is to be made, and by what; read before the user, like a claim.
    async fn ground<'a>(
        &self,
        ask: &Ask,
        founding: Option<&'a TenantCommand>,
    ) -> Result<Option<(Arc<Loaded<Tenant>>, &'a TenantCommand)>, Failure> {
        let Some(command) = founding else {
            return Ok(None);
        };
        let mut held = Arc::default();
        let stream = tenant_stream(ask.tenant);
        self.commands.catch_up(stream, &mut held).await?;
        Ok(Some((held, command)))
    }

    fn founded(
        &self,
        ask: &Ask,
        held: Arc<Loaded<Tenant>>,
        command: &TenantCommand,
    ) -> Result<(Arc<Loaded<Tenant>>, Decided<Tenant>), AccountError> {
        let stream = tenant_stream(ask.tenant);
        let ask = Ask {
            id: stream.id,
            expected: None,
            ..ask.clone()
        };
        match self.commands.decide(stream, &held, &ask, command) {
            Ok(Some(decided)) => Ok((held, decided)),
            Err(CommandError::Failed(failure)) => Err(failure.into()),
            // One that is just as wanted is another's all the same.
            Ok(None) | Err(_) => Err(AccountError::SlugTaken),
        }
    }

    /// The claims first: of a claim that is this user's by then the user is there to be found.
    async fn read_together(&self, user: StreamId, claims: Claims<'_>) -> Result<Read, Failure> {
        let emails = self.held(claims.emails).await?;
        let identities = self.held(claims.identities).await?;
        let mut read = Read {
            emails,
            identities,
            user: Arc::default(),
        };
        self.commands.catch_up(user, &mut read.user).await?;
        Ok(read)
    }

    async fn held<A: Claim>(&self, claims: &[Claiming<A>]) -> Result<Vec<Arc<Loaded<A>>>, Failure> {
        let mut all = Vec::with_capacity(claims.len());
        for claim in claims {
            let mut held = Arc::default();
            self.commands.catch_up(claim.stream, &mut held).await?;
            all.push(held);
        }
        Ok(all)
    }

    fn changed<A: Claim>(
        &self,
        ask: &Ask,
        claims: &[Claiming<A>],
        held: Vec<Arc<Loaded<A>>>,
    ) -> Result<Vec<Changed<A>>, AccountError> {
        let mut changed = Vec::with_capacity(claims.len());
        for (claim, held) in claims.iter().zip(held) {
            let claim_ask = Ask {
                id: claim.stream.id,
                expected: None,
                ..ask.clone()
            };
            let commands = &self.commands;
            match commands.decide(claim.stream, &held, &claim_ask, &claim.command) {
                Ok(Some(decided)) => changed.push((claim.stream, held, decided)),
                Ok(None) => {}
                Err(CommandError::Failed(failure)) => return Err(failure.into()),
                // What is not held need not be released.
                Err(_) if A::releases(&claim.command) => {}
                Err(_) => return Err(A::taken()),
            }
        }
        Ok(changed)
    }

    fn taken_in<A: Claim>(&self, changed: Vec<Changed<A>>, positions: &[Position]) {
        for ((claim, held, decided), at) in changed.into_iter().zip(positions) {
            self.commands.written(claim, held, &decided, *at);
        }
    }

    /// The subject on which an address is claimed: 128 bits of a keyed digest.
    pub(super) fn claim_stream(&self, tenant: TenantId, email: &str) -> StreamId {
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
}

fn commits<A: Claim>(changed: &[Changed<A>]) -> impl Iterator<Item = NewCommit> {
    changed.iter().map(|(_, _, claim)| claim.commit.clone())
}

/// The subject of a user.
pub(super) const fn user_stream(tenant: TenantId, user: UserId) -> StreamId {
    StreamId {
        tenant,
        kind: User::KIND,
        id: user.uuid(),
    }
}
