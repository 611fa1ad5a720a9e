//! The first tenant and the first administrator.
//!
//! Invariant: however often and from however many processes this runs, there is one of each.

use domain::{
    Actor, CommandId, Name, Slug, TenantId, UserId,
    tenant::{Tenant, TenantCommand, TenantRejection},
    user::Role,
};
use uuid::Uuid;

use super::{AccountError, Identity, Registration};
use crate::{Ask, CommandError, Commands};

/// The tenant that people join who register by themselves.
pub const DEFAULT_TENANT: TenantId = TenantId::MAIN;

/// Makes the default tenant and its administrator, unless they exist, and lets the latter
/// administer the platform, once: what others took from them since stays taken.
pub async fn bootstrap(
    commands: &Commands,
    identity: &Identity,
    administrator: Registration,
) -> Result<UserId, AccountError> {
    let actor = Actor::System("bootstrap".to_owned());
    let id = DEFAULT_TENANT.uuid();
    let name = Name::try_new("Main")?;
    let ask = Ask::new(actor.clone(), DEFAULT_TENANT, id, CommandId::new(id));
    match commands
        .execute::<Tenant>(
            ask,
            TenantCommand::Create {
                name,
                slug: Slug::main(),
            },
        )
        .await
    {
        Ok(_) | Err(CommandError::Rejected(TenantRejection::AlreadyExists)) => {}
        Err(CommandError::Failed(failure)) => return Err(failure.into()),
        Err(other) => return Err(crate::Failure::Unavailable(other.to_string()).into()),
    }
    // The address decides which user this is, so the same administrator is not made twice.
    let user = Uuid::new_v5(
        &id,
        format!("administrator/{}", administrator.email).as_bytes(),
    );
    let ask = Ask::new(actor.clone(), DEFAULT_TENANT, user, CommandId::new(user));
    let email = administrator.email.clone();
    let password = administrator.password.clone();
    let user = match identity
        .register(
            ask,
            Registration {
                role: Role::Admin,
                ..administrator
            },
        )
        .await
    {
        Ok(_) => UserId::new(user),
        Err(AccountError::EmailTaken) => {
            let known = identity.sign_in(DEFAULT_TENANT, &email, password).await?;
            known
                .map(|(user, _)| user)
                .ok_or(AccountError::EmailTaken)?
        }
        Err(other) => return Err(other),
    };
    let command = CommandId::new(Uuid::new_v5(&user.uuid(), b"platform"));
    let ask = Ask::new(actor, DEFAULT_TENANT, user.uuid(), command);
    match identity.set_platform(ask, true).await {
        Ok(_) | Err(AccountError::Command(CommandError::Rejected(_))) => Ok(user),
        Err(other) => Err(other),
    }
}
