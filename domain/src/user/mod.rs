//! A user: a person who signs in, with a role.
//!
//! ```text
//! invite ─→ invited ─┐ accept
//! register ────────→ enabled ⇄ disabled
//!                       └────────┴─→ erased
//! ```
//!
//! Invariant: personal text reaches the log only sealed; a password or second factor never does, in
//! any form. Nobody takes rights from themselves, so whoever administers a tenant leaves an
//! administrator behind. What is erased stays erased.

mod decide;
mod events;
#[cfg(test)]
mod tests;

pub use events::{
    UserDisabled, UserEmailChanged, UserEnabled, UserErased, UserEvent, UserIdentityLinked,
    UserIdentityUnlinked, UserInvitationAccepted, UserInvitationRenewed, UserInvited,
    UserMfaDisabled, UserMfaEnabled, UserPasswordChanged, UserPlatformGranted, UserPlatformRevoked,
    UserRegistered, UserRenamed, UserRoleChanged,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Sealed, Timestamp};

/// What somebody may do, from least to most.
#[derive(
    Clone, Copy, Debug, Eq, PartialEq, PartialOrd, JsonSchema, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything of the tenant, changes nothing.
    Viewer,
    /// Works with resources, tasks and jobs.
    Operator,
    /// Also manages users and settings.
    Admin,
}

/// A user as its events left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is true of a user by itself"
)]
pub struct User {
    /// When they registered.
    pub created_at: Timestamp,
    /// Which password they sign in with, if not the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Uuid>,
    /// Whether signing in is refused.
    pub disabled: bool,
    /// The address, sealed; empty once erased.
    pub email: Sealed,
    /// Whether everything personal is forgotten.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
    /// What they can sign in by besides a password, in the order in which it was linked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<LinkedIdentity>,
    /// The invitation that lets them in, if one counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<Uuid>,
    /// Whether they were invited and have not let themselves in yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub invited: bool,
    /// Which second factor they sign in with, if with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<Uuid>,
    /// What people call them, sealed; empty once erased.
    pub name: Sealed,
    /// Whether they have no password to sign in with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passwordless: bool,
    /// Whether they administer the platform: create tenants, and act in each.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub platform: bool,
    /// What they may do.
    pub role: Role,
    /// When anything of this last changed.
    pub updated_at: Timestamp,
}

/// An identity at an issuer (OpenID Connect) that a user can sign in by.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct LinkedIdentity {
    /// Which: a keyed digest of issuer and subject, and the id of its claim.
    pub identity: Uuid,
    /// What the configuration calls the provider.
    pub provider: String,
}

/// What can be asked of a user.
#[derive(Clone, Debug)]
pub enum UserCommand {
    /// Let themselves in.
    AcceptInvitation {
        /// The password they chose: an id that tells nothing of it.
        credential: Uuid,
        /// The invitation that they were given.
        invitation: Uuid,
        /// What people call them, sealed, if it is not what the invitation said.
        name: Option<Sealed>,
    },
    /// Sign in with another address.
    ChangeEmail {
        /// The new address, sealed.
        email: Sealed,
    },
    /// Sign in with another password, which is kept elsewhere.
    ChangePassword {
        /// Which one: an id that tells nothing of it.
        credential: Uuid,
    },
    /// Refuse signing in.
    Disable,
    /// Sign in without a second factor.
    DisableMfa,
    /// Allow signing in.
    Enable,
    /// Sign in with a second factor, which is kept elsewhere.
    EnableMfa {
        /// Which one: an id that tells nothing of it.
        credential: Uuid,
    },
    /// Forget everything personal, for good.
    Erase,
    /// Let them administer the platform.
    GrantPlatform,
    /// Become a user as soon as they let themselves in.
    Invite {
        /// The address, sealed.
        email: Sealed,
        /// The invitation that lets them in: an id that tells nothing of it.
        invitation: Uuid,
        /// What people call them, sealed.
        name: Sealed,
        /// What they may do.
        role: Role,
    },
    /// Become a user who signs in by an identity and has no password.
    Join {
        /// The address, sealed.
        email: Sealed,
        /// What they sign in by.
        linked: LinkedIdentity,
        /// What people call them, sealed.
        name: Sealed,
        /// What they may do.
        role: Role,
    },
    /// Sign in by this identity as well.
    LinkIdentity(LinkedIdentity),
    /// Become a user.
    Register {
        /// The address, sealed.
        email: Sealed,
        /// What people call them, sealed.
        name: Sealed,
        /// What they may do.
        role: Role,
    },
    /// Let them administer the platform no more.
    RevokePlatform,
    /// Let another invitation count.
    RenewInvitation {
        /// Which one: an id that tells nothing of it.
        invitation: Uuid,
    },
    /// Sign in by this identity no more.
    UnlinkIdentity {
        /// Which.
        identity: Uuid,
    },
    /// Change what is given.
    Update {
        /// The new name, sealed.
        name: Option<Sealed>,
        /// What they may do from now on.
        role: Option<Role>,
    },
}

/// Why a user may say no.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UserRejection {
    /// There is one with this id.
    #[error("the user exists already")]
    AlreadyExists,
    /// Whoever is disabled is not invited.
    #[error("the user is disabled: enable them first")]
    Disabled,
    /// Nothing can be changed of somebody who is erased.
    #[error("the user is erased")]
    Erased,
    /// The invitation was accepted, renewed or ended.
    #[error("the invitation does not count any more")]
    InvitationEnded,
    /// They have not let themselves in yet.
    #[error("the user was invited and has not accepted yet")]
    Invited,
    /// They have a second factor, and it is another one.
    #[error("a second factor is on already: disable it first")]
    MfaEnabled,
    /// Nobody could sign in as them afterwards.
    #[error("this is the only way in: set a password first, or link another identity")]
    LastWayIn,
    /// There is none with this id.
    #[error("there is no such user")]
    NotFound,
    /// They are in already.
    #[error("the user has no invitation to accept any more")]
    NotInvited,
    /// Somebody would take rights from themselves.
    #[error("nobody takes rights from themselves: ask another administrator")]
    OwnRights,
    /// Another identity of the same provider is linked.
    #[error("another identity of this provider is linked: unlink that first")]
    ProviderLinked,
}
