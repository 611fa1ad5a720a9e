//! The first tenant and the first administrator.
//!
//! Invariant: however often and from however many processes this runs, there is one of each.

use domain::{
    Actor, CommandId, Name, TenantId, UserId,
    tenant::{Tenant, TenantCommand, TenantRejection},
    user::Role,
};
use uuid::Uuid;

use super::{AccountError, Identity, Registration};
use crate::{Ask, CommandError, Commands};

/// The tenant that people join who register by themselves.
pub const DEFAULT_TENANT: TenantId =
    TenantId::new(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001));

/// Makes the default tenant and its administrator, unless they exist.
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
        .execute::<Tenant>(ask, TenantCommand::Create { name })
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
    let ask = Ask::new(actor, DEFAULT_TENANT, user, CommandId::new(user));
    let email = administrator.email.clone();
    let password = administrator.password.clone();
    match identity
        .register(
            ask,
            Registration {
                role: Role::Admin,
                ..administrator
            },
        )
        .await
    {
        Ok(_) => Ok(UserId::new(user)),
        Err(AccountError::EmailTaken) => {
            let known = identity.sign_in(DEFAULT_TENANT, &email, password).await?;
            known.map(|(user, _)| user).ok_or(AccountError::EmailTaken)
        }
        Err(other) => Err(other),
    }
}
