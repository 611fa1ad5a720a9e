//! What can have happened to a user.
//!
//! Invariant: a field is added only as optional; a new meaning is a new version of the event.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Role;
use crate::Sealed;

/// What can have happened to a user.
#[derive(Clone, Debug, PartialEq)]
pub enum UserEvent {
    /// `user.disabled`
    Disabled(UserDisabled),
    /// `user.email_changed`
    EmailChanged(UserEmailChanged),
    /// `user.enabled`
    Enabled(UserEnabled),
    /// `user.erased`
    Erased(UserErased),
    /// `user.invitation_accepted`
    InvitationAccepted(UserInvitationAccepted),
    /// `user.invitation_renewed`
    InvitationRenewed(UserInvitationRenewed),
    /// `user.invited`
    Invited(UserInvited),
    /// `user.mfa_disabled`
    MfaDisabled(UserMfaDisabled),
    /// `user.mfa_enabled`
    MfaEnabled(UserMfaEnabled),
    /// `user.identity_linked`
    IdentityLinked(UserIdentityLinked),
    /// `user.identity_unlinked`
    IdentityUnlinked(UserIdentityUnlinked),
    /// `user.password_changed`
    PasswordChanged(UserPasswordChanged),
    /// `user.platform_granted`
    PlatformGranted(UserPlatformGranted),
    /// `user.platform_revoked`
    PlatformRevoked(UserPlatformRevoked),
    /// `user.registered`
    Registered(UserRegistered),
    /// `user.renamed`
    Renamed(UserRenamed),
    /// `user.role_changed`
    RoleChanged(UserRoleChanged),
}

/// The user may not sign in any more.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserDisabled {}

/// They sign in with another address now.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserEmailChanged {
    /// The new address, sealed.
    pub email: Sealed,
}

/// The user may sign in again.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserEnabled {}

/// Everything personal of the user is to be forgotten, for good: the end.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserErased {}

/// Whoever was invited has let themselves in.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserInvitationAccepted {
    /// The password they chose: an id that tells nothing of it.
    pub credential: Uuid,
    /// What people call them, sealed, if it is not what the invitation said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Sealed>,
}

/// Another invitation counts; the one before does no more.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserInvitationRenewed {
    /// Which one: an id that tells nothing of it.
    pub invitation: Uuid,
}

/// A person was asked to become a user; until they do they cannot sign in.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserInvited {
    /// The address, sealed.
    pub email: Sealed,
    /// Which invitation counts: an id that tells nothing of it.
    pub invitation: Uuid,
    /// What people call them, sealed.
    pub name: Sealed,
    /// What they may do.
    pub role: Role,
}

/// They sign in without a second factor again.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserMfaDisabled {
    /// Which one no longer counts: an id that tells nothing of it.
    pub credential: Uuid,
}

/// They sign in with a second factor now.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserMfaEnabled {
    /// Which one: an id that tells nothing of it.
    pub credential: Uuid,
}

/// They can sign in by an identity that a provider vouches for (OpenID Connect).
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserIdentityLinked {
    /// Which identity: a keyed digest of issuer and subject, and the id of its claim.
    pub identity: Uuid,
    /// Whether it is how they became a user, so that they have no password.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passwordless: bool,
    /// What the configuration calls the provider.
    pub provider: String,
}

/// They cannot sign in by that identity any more.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserIdentityUnlinked {
    /// Which identity.
    pub identity: Uuid,
    /// What the configuration called the provider.
    pub provider: String,
}

/// They sign in with another password now.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserPasswordChanged {
    /// Which one: an id that tells nothing of it.
    pub credential: Uuid,
}

/// They administer the platform now: they create tenants and may act in each.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserPlatformGranted {}

/// They administer the platform no more.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserPlatformRevoked {}

/// A person became a user.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserRegistered {
    /// The address, sealed.
    pub email: Sealed,
    /// What people call them, sealed.
    pub name: Sealed,
    /// What they may do.
    pub role: Role,
}

/// People call them otherwise now.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserRenamed {
    /// The new name, sealed.
    pub name: Sealed,
}

/// They may do more, or less, than before.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserRoleChanged {
    /// What they may do now.
    pub role: Role,
}
