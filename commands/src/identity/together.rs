//! A user and the claims on their addresses, and a tenant with its first user, changed together.
//!
//! Invariant: all of it is stored in one atomic batch or nothing is; whoever holds an address is a
//! user that has it.

use std::sync::Arc;

use domain::{
    Aggregate as _, TenantId, UserId,
    email_claim::{EmailClaim, EmailClaimCommand},
    tenant::{Tenant, TenantCommand},
    user::{User, UserCommand},
};
use event_log::AppendError;
use schemas::StreamId;
use uuid::Uuid;

use super::{AccountError, Identity, tenants::tenant_stream};
use crate::{Ask, CommandError, Failure, Receipt, error::Unheard, execute::Decided, load::Loaded};

/// How often it is decided anew after others were faster.
const TRIES: usize = 5;

/// What is to happen to an address.
pub(super) struct Claiming {
    pub(super) command: EmailClaimCommand,
    pub(super) stream: StreamId,
}

/// Everything one try has read.
struct Read {
    claims: Vec<Arc<Loaded<EmailClaim>>>,
    user: Arc<Loaded<User>>,
}

/// A claim that changes, with what it was decided on.
type Changed = (StreamId, Arc<Loaded<EmailClaim>>, Decided<EmailClaim>);

impl Identity {
    /// Runs `command` and everything of `claims` that still changes something.
    pub(super) async fn store_together(
        &self,
        ask: &Ask,
        command: &UserCommand,
        claims: &[Claiming],
    ) -> Result<Receipt<User>, AccountError> {
        self.store_founding(ask, command, claims, None).await
    }

    /// The same, with the command that makes the user's tenant, if it is to be made.
    pub(super) async fn store_founding(
        &self,
        ask: &Ask,
        command: &UserCommand,
        claims: &[Claiming],
        founding: Option<&TenantCommand>,
    ) -> Result<Receipt<User>, AccountError> {
        let stream = user_stream(ask.tenant, UserId::new(ask.id));
        let mut unheard = Unheard::default();
        for _ in 0..TRIES {
            let ground = self.ground(ask, founding).await;
            let ground = ground.map_err(|failure| unheard.of(failure))?;
            let read = self.read_together(stream, claims).await;
            let Read { claims: held, user } = read.map_err(|failure| unheard.of(failure))?;
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
            let changed = self.changed(ask, claims, held)?;
            let commits = changed.iter().map(|(_, _, claim)| claim.commit.clone());
            let ground = founded.iter().map(|(_, tenant)| tenant.commit.clone());
            let batch: Vec<_> = commits
                .chain(ground)
                .chain([decided.commit.clone()])
                .collect();
            let count = batch.len();
            match self.commands.log.append_all(batch).await {
                Ok(positions) if positions.len() == count => {
                    for ((claim, held, decided), at) in changed.into_iter().zip(&positions) {
                        self.commands.written(claim, held, &decided, *at);
                    }
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
        let found = match self.read_together(stream, &[]).await {
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
    async fn read_together(&self, user: StreamId, claims: &[Claiming]) -> Result<Read, Failure> {
        let mut read = Read {
            claims: Vec::with_capacity(claims.len()),
            user: Arc::default(),
        };
        for claim in claims {
            let mut held = Arc::default();
            self.commands.catch_up(claim.stream, &mut held).await?;
            read.claims.push(held);
        }
        self.commands.catch_up(user, &mut read.user).await?;
        Ok(read)
    }

    fn changed(
        &self,
        ask: &Ask,
        claims: &[Claiming],
        held: Vec<Arc<Loaded<EmailClaim>>>,
    ) -> Result<Vec<Changed>, AccountError> {
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
                Err(_) if matches!(claim.command, EmailClaimCommand::Release { .. }) => {}
                Err(_) => return Err(AccountError::EmailTaken),
            }
        }
        Ok(changed)
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

/// The subject of a user.
pub(super) const fn user_stream(tenant: TenantId, user: UserId) -> StreamId {
    StreamId {
        tenant,
        kind: User::KIND,
        id: user.uuid(),
    }
}
