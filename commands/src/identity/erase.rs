//! Forgetting a person for good.
//!
//! The log keeps its commits and their chain; what was personal in them was sealed with the
//! person's key, and without it opens for nobody. The event is the receipt.
//!
//! Invariant: an erasure that was begun is finished. It stands in the vault before the log knows of
//! it and until the key is gone, and what stands there is finished at the next start.

use domain::{
    TenantId, UserId,
    email_claim::EmailClaimCommand,
    identity_claim::IdentityClaimCommand,
    user::{User, UserCommand},
};
use event_log::VaultError;

use super::{
    AccountError, Identity,
    linked::identity_stream,
    particulars::normalise_email,
    together::{Claiming, Claims, user_stream},
};
use crate::{Ask, Failure, Receipt};

/// The erasures that are not finished.
const BEGUN: &str = "erasures";
/// How often the list of them is changed anew after others were faster.
const TRIES: usize = 10;

impl Identity {
    /// Forgets everything personal of the user `ask.id`. Asked again, it makes sure.
    pub async fn erase(&self, ask: Ask) -> Result<Receipt<User>, AccountError> {
        self.to_its_end(|this| async move { this.erase_now(&ask).await })
            .await
    }

    /// Finishes the erasures that a process began which did not live to finish them.
    pub(super) async fn finish_erasures(&self) -> Result<(), Failure> {
        for (tenant, user) in self.begun().await?.0 {
            let found = self.commands.state::<User>(tenant, user.uuid()).await?;
            // Nobody was told of one that the log does not know.
            if found.is_some_and(|found| found.state.erased) {
                self.end_sessions(tenant, user, None).await?;
                self.rights_changed(tenant, user).await?;
                self.forget(tenant, user).await?;
                self.note(|begun| begun.retain(|one| *one != (tenant, user)))
                    .await?;
                tracing::info!(%tenant, %user, "finished an erasure");
            }
        }
        Ok(())
    }

    async fn erase_now(&self, ask: &Ask) -> Result<Receipt<User>, AccountError> {
        let (tenant, id) = (ask.tenant, UserId::new(ask.id));
        let _turn = self.commands.turns.take(user_stream(tenant, id)).await;
        let user = self.user(ask).await?;
        let receipt =
            if let Some(receipt) = self.done(&user, ask).await? {
                receipt
            } else {
                let (mut emails, mut identities) = (Vec::new(), Vec::new());
                if let Some(state) = user.state.as_ref().filter(|user| !user.erased) {
                    let email = self.personal.open(tenant, id, &state.email).await?;
                    identities.extend(state.identities.iter().map(|linked| Claiming {
                        command: IdentityClaimCommand::Release { user_id: id },
                        stream: identity_stream(tenant, linked.identity),
                    }));
                    emails.extend(email.as_deref().and_then(normalise_email).map(|email| {
                        Claiming {
                            command: EmailClaimCommand::Release { user_id: id },
                            stream: self.claim_stream(tenant, &email),
                        }
                    }));
                    self.note(|begun| begun.push((tenant, id))).await?;
                }
                let claims = Claims {
                    emails: &emails,
                    identities: &identities,
                };
                let stored = self.store_claims(ask, &UserCommand::Erase, claims).await;
                if stored.as_ref().is_err_and(AccountError::is_definite) {
                    self.note(|begun| begun.retain(|one| *one != (tenant, id)))
                        .await?;
                }
                stored?
            };
        // What is stored must be asked for again if this fails.
        let unfinished = |reason: Failure| Failure::Unknown(reason.to_string());
        self.end_sessions(tenant, id, None)
            .await
            .map_err(unfinished)?;
        // Their API keys are no sign-ins, and end with their rights.
        self.rights_changed(tenant, id).await.map_err(unfinished)?;
        self.forget(tenant, id).await.map_err(unfinished)?;
        self.note(|begun| begun.retain(|one| *one != (tenant, id)))
            .await
            .map_err(unfinished)?;
        Ok(receipt)
    }

    /// The erasures that are not finished, and the revision of their list.
    async fn begun(&self) -> Result<(Vec<(TenantId, UserId)>, Option<u64>), Failure> {
        let Some(kept) = self.vault.get(BEGUN).await? else {
            return Ok((Vec::new(), None));
        };
        let begun = serde_json::from_slice(&kept.value)
            .map_err(|reason| Failure::Corrupt(format!("the list of erasures: {reason}")))?;
        Ok((begun, Some(kept.revision)))
    }

    async fn note(&self, change: impl Fn(&mut Vec<(TenantId, UserId)>)) -> Result<(), Failure> {
        for _ in 0..TRIES {
            let (mut begun, revision) = self.begun().await?;
            let before = begun.clone();
            change(&mut begun);
            if begun == before {
                return Ok(());
            }
            let value = serde_json::to_vec(&begun).expect("ids always encode");
            let changed = match revision {
                Some(revision) => self.vault.replace(BEGUN, &value, revision).await,
                None => self.vault.create(BEGUN, &value).await,
            };
            match changed {
                Ok(()) => return Ok(()),
                Err(VaultError::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Failure::Busy("too many erasures at once"))
    }
}
