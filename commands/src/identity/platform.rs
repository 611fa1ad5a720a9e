//! Platform administrators: users of the main tenant who create tenants and may act in each.
//!
//! Invariant: whoever acts in a tenant has told it so first, by an event of its own; the token they
//! act with is theirs, ends with their own sign-in and right, and cannot be exchanged for another.

use domain::{
    Name, TenantId, UserId,
    email_claim::EmailClaim,
    tenant::{Tenant, TenantCommand, TenantRejection},
    user::{Role, User, UserCommand},
};
use secrecy::SecretString;

use super::{AccountError, Credential, Identity, Principal, tokens::ACCESS_S};
use crate::{Ask, CommandError, Failure, Receipt};

/// What a platform administrator acts with.
pub struct Entry {
    /// A JWT with the claim `act` (RFC 8693 §4.1).
    pub access: SecretString,
    /// For how long it is valid, in seconds.
    pub expires_in_s: u64,
    /// What was written of it in the tenant.
    pub receipt: Receipt<Tenant>,
}

impl Identity {
    /// Lets the user `ask.id` administer the platform, or no more.
    pub async fn set_platform(
        &self,
        ask: Ask,
        granted: bool,
    ) -> Result<Receipt<User>, AccountError> {
        let (tenant, id) = (ask.tenant, UserId::new(ask.id));
        self.to_its_end(|this| async move {
            let command = if granted {
                UserCommand::GrantPlatform
            } else {
                UserCommand::RevokePlatform
            };
            let receipt = this.commands.execute::<User>(ask, command).await?;
            // What is stored already must be asked for again if others could not be told of it.
            let told = this.rights_changed(tenant, id).await;
            told.map_err(|reason| Failure::Unknown(reason.to_string()))?;
            Ok(receipt)
        })
        .await
    }

    /// Lets `principal` act in the tenant `ask.tenant`, who must administer the platform.
    pub async fn enter(
        &self,
        principal: &Principal,
        ask: Ask,
        reason: Name,
    ) -> Result<Entry, CommandError<TenantRejection>> {
        let command = TenantCommand::Enter {
            reason,
            user_id: principal.user,
        };
        let tenant = ask.tenant;
        let receipt = self.commands.execute::<Tenant>(ask, command).await?;
        let now = self.commands.clock.now();
        let acting = Principal {
            acting: true,
            authenticated: principal.authenticated,
            began: principal.began,
            credential: Credential::Session,
            expires_at: now.plus_ms(ACCESS_S * 1_000),
            platform: false,
            role: Role::Admin,
            session: principal.session,
            tenant,
            user: principal.user,
        };
        let signer = &self.watched.signer;
        // The event is stored; who asks again with the same key gets the token.
        let access = signer.sign(&acting, self.commands.ids.next(), now)?;
        Ok(Entry {
            access,
            expires_in_s: ACCESS_S as u64,
            receipt,
        })
    }

    /// The user of `tenant` who has this address.
    pub async fn user_of_email(
        &self,
        tenant: TenantId,
        email: &str,
    ) -> Result<Option<UserId>, Failure> {
        let claim = self.address_digest(tenant, email);
        let claim = self.commands.state::<EmailClaim>(tenant, claim).await?;
        Ok(claim.and_then(|claim| claim.state.holder))
    }

    /// Whether the right was bestowed on `user`, also if it has no effect now: whoever could change
    /// their way in would have it.
    pub async fn holds_platform(&self, tenant: TenantId, user: UserId) -> Result<bool, Failure> {
        let found = self.commands.state::<User>(tenant, user.uuid()).await?;
        Ok(tenant == TenantId::MAIN && found.is_some_and(|found| found.state.platform))
    }
}
