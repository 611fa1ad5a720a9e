//! Tenants: founding one together with whoever administers it, and closing its door.
//!
//! Invariant: a tenant and its first administrator are stored together or not at all, so none is
//! without a way in. Into a tenant that is suspended nobody signs in, and within 2 s nobody of it
//! is admitted anywhere.

use std::sync::Arc;

use domain::{
    Aggregate as _, Name, Slug, TenantId,
    tenant::{Tenant, TenantCommand, TenantRejection},
};
use schemas::StreamId;

use super::{AccountError, Identity, Registration, revocations::Notice, watch};
use crate::{Ask, CommandError, Failure, Receipt, load::Loaded};

/// A tenant that is to be.
pub struct NewTenant {
    /// Who administers it at first; what role they ask for is of no account.
    pub administrator: Registration,
    /// What people call it.
    pub name: Name,
    /// What it is called when signing in.
    pub slug: Slug,
}

impl Identity {
    /// Makes a tenant with its first administrator, whose id is the command's.
    pub async fn create_tenant(
        &self,
        ask: Ask,
        wanted: NewTenant,
    ) -> Result<Receipt<Tenant>, AccountError> {
        let NewTenant { name, slug, .. } = wanted;
        let tenant = TenantId::of_slug(&slug);
        let founder = Ask {
            id: ask.command.uuid(),
            tenant,
            ..ask.clone()
        };
        let founding = Ask {
            id: tenant.uuid(),
            tenant,
            ..ask
        };
        let administrator = Registration {
            role: domain::user::Role::Admin,
            ..wanted.administrator
        };
        let mut person = self.person(administrator).await?;
        person.founds = Some(TenantCommand::Create { name, slug });
        self.to_its_end(|this| async move {
            let (exists, past) = this.founded_by(&founding).await?;
            if let Some(receipt) = past {
                return Ok(receipt);
            }
            if exists {
                return Err(AccountError::SlugTaken);
            }
            let made = this.make(&founder, person).await?;
            let (_, past) = this.founded_by(&founding).await?;
            let receipt = past.ok_or_else(|| Failure::Corrupt(format!("tenant {tenant}")))?;
            Ok(Receipt {
                changed: made.changed,
                replayed: made.replayed,
                ..receipt
            })
        })
        .await
    }

    /// Lets nobody of the tenant `ask.tenant` sign in, nor stay signed in, or everybody again.
    pub async fn set_suspended(
        &self,
        ask: Ask,
        suspended: bool,
    ) -> Result<Receipt<Tenant>, CommandError<TenantRejection>> {
        let this = self.clone();
        let running = tokio::spawn(async move {
            let command = if suspended {
                TenantCommand::Suspend
            } else {
                TenantCommand::Resume
            };
            let tenant = ask.tenant;
            let receipt = this.commands.execute::<Tenant>(ask, command).await?;
            // What is stored already must be asked for again if others could not be told of it.
            let told = this.door_changed(tenant).await;
            told.map_err(|reason| Failure::Unknown(reason.to_string()))?;
            Ok(receipt)
        });
        running
            .await
            .unwrap_or_else(|reason| Err(Failure::Unknown(reason.to_string()).into()))
    }

    /// Whether there is such a tenant and its users may sign in. Takes as long if there is none.
    pub async fn is_open(&self, tenant: TenantId) -> Result<bool, Failure> {
        // The main one always is.
        if tenant == TenantId::MAIN {
            return Ok(true);
        }
        watch::is_open(&self.commands, tenant).await
    }

    /// Lets what the log says of a tenant's door hold for the tokens of its users.
    async fn door_changed(&self, tenant: TenantId) -> Result<(), Failure> {
        let open = self.is_open(tenant).await?;
        let known = &self.watched.revocations;
        known.set_open(tenant, open);
        known.tell();
        let notice = Notice::Door(tenant).name();
        // As long as it is closed a process that starts must hear of it.
        let told = if open {
            let kept = super::revocations::KEPT;
            self.vault.put_for(&notice, b"open", kept).await
        } else {
            self.vault.put(&notice, b"closed").await
        };
        Ok(told?)
    }

    /// Whether there is the tenant, and the answer to an earlier try of the same command.
    async fn founded_by(&self, ask: &Ask) -> Result<(bool, Option<Receipt<Tenant>>), AccountError> {
        let stream = tenant_stream(ask.tenant);
        let mut tenant = Arc::<Loaded<Tenant>>::default();
        self.commands.catch_up(stream, &mut tenant).await?;
        match self.commands.past(stream, &tenant, ask).await {
            Ok(past) => Ok((tenant.state.is_some(), past)),
            Err(CommandError::Failed(failure)) => Err(failure.into()),
            Err(CommandError::Reused) => Err(CommandError::Reused.into()),
            Err(_) => Err(AccountError::SlugTaken),
        }
    }
}

/// The subject of a tenant itself: its own.
pub(super) const fn tenant_stream(tenant: TenantId) -> StreamId {
    StreamId {
        tenant,
        kind: Tenant::KIND,
        id: tenant.uuid(),
    }
}
