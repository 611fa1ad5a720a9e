//! A user: a person who signs in, with a role.
//!
//! Invariant: personal text reaches the log only sealed; a password never does, in any form.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Aggregate, AggregateKind, Context, Decision, Sealed, Timestamp};

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

/// What can have happened to a user.
#[derive(Clone, Debug, PartialEq)]
pub enum UserEvent {
    /// `user.disabled`
    Disabled(UserDisabled),
    /// `user.enabled`
    Enabled(UserEnabled),
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

/// The user may sign in again.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct UserEnabled {}

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

/// A user as its events left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// When they registered.
    pub created_at: Timestamp,
    /// Whether signing in is refused.
    pub disabled: bool,
    /// The address, sealed.
    pub email: Sealed,
    /// What people call them, sealed.
    pub name: Sealed,
    /// What they may do.
    pub role: Role,
    /// When anything of this last changed.
    pub updated_at: Timestamp,
}

/// What can be asked of a user.
#[derive(Clone, Debug)]
pub enum UserCommand {
    /// Give or take rights.
    ChangeRole {
        /// What they may do from now on.
        role: Role,
    },
    /// Refuse signing in.
    Disable,
    /// Allow signing in.
    Enable,
    /// Become a user.
    Register {
        /// The address, sealed.
        email: Sealed,
        /// What people call them, sealed.
        name: Sealed,
        /// What they may do.
        role: Role,
    },
    /// Be called otherwise.
    Rename {
        /// The new name, sealed.
        name: Sealed,
    },
}

/// Why a user may say no.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UserRejection {
    /// There is one with this id.
    #[error("the user exists already")]
    AlreadyExists,
    /// There is none with this id.
    #[error("there is no such user")]
    NotFound,
}

impl Aggregate for User {
    const KIND: AggregateKind = AggregateKind::User;
    type Event = UserEvent;
    type Command = UserCommand;
    type Rejection = UserRejection;

    fn evolve(state: Option<Self>, event: &UserEvent, at: Timestamp) -> Option<Self> {
        let Some(user) = state else {
            return match event {
                UserEvent::Registered(UserRegistered { email, name, role }) => Some(Self {
                    created_at: at,
                    disabled: false,
                    email: email.clone(),
                    name: name.clone(),
                    role: *role,
                    updated_at: at,
                }),
                _ => None,
            };
        };
        let user = Self {
            updated_at: at,
            ..user
        };
        Some(match event {
            UserEvent::Disabled(UserDisabled {}) => Self {
                disabled: true,
                ..user
            },
            UserEvent::Enabled(UserEnabled {}) => Self {
                disabled: false,
                ..user
            },
            UserEvent::Registered(_) => user,
            UserEvent::Renamed(UserRenamed { name }) => Self {
                name: name.clone(),
                ..user
            },
            UserEvent::RoleChanged(UserRoleChanged { role }) => Self {
                role: *role,
                ..user
            },
        })
    }

    fn decide(state: Option<&Self>, command: &UserCommand, _: &Context) -> Decision<Self> {
        let Some(user) = state else {
            return match command.clone() {
                UserCommand::Register { email, name, role } => {
                    Ok(vec![UserEvent::Registered(UserRegistered {
                        email,
                        name,
                        role,
                    })])
                }
                _ => Err(UserRejection::NotFound),
            };
        };
        let event = match command.clone() {
            UserCommand::ChangeRole { role } => {
                (user.role != role).then_some(UserEvent::RoleChanged(UserRoleChanged { role }))
            }
            UserCommand::Disable => {
                (!user.disabled).then_some(UserEvent::Disabled(UserDisabled {}))
            }
            UserCommand::Enable => user.disabled.then_some(UserEvent::Enabled(UserEnabled {})),
            UserCommand::Register { email, name, .. } => {
                if user.email != email || user.name != name {
                    return Err(UserRejection::AlreadyExists);
                }
                None
            }
            UserCommand::Rename { name } => {
                (user.name != name).then_some(UserEvent::Renamed(UserRenamed { name }))
            }
        };
        Ok(event.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    fn sealed(text: &'static str) -> Sealed {
        Sealed(text.into())
    }

    fn registered() -> UserEvent {
        UserEvent::Registered(UserRegistered {
            email: sealed("e1"),
            name: sealed("n1"),
            role: Role::Viewer,
        })
    }

    fn register(email: &'static str) -> UserCommand {
        UserCommand::Register {
            email: sealed(email),
            name: sealed("n1"),
            role: Role::Viewer,
        }
    }

    #[test]
    fn registers_once() {
        given::<User>([]).when(register("e1")).then([registered()]);
        given::<User>([registered()]).when(register("e1")).then([]);
        given::<User>([registered()])
            .when(register("e2"))
            .rejected(&UserRejection::AlreadyExists);
    }

    #[test]
    fn changes_only_what_differs() {
        given::<User>([registered()])
            .when(UserCommand::ChangeRole { role: Role::Admin })
            .then([UserEvent::RoleChanged(UserRoleChanged {
                role: Role::Admin,
            })]);
        given::<User>([registered()])
            .when(UserCommand::ChangeRole { role: Role::Viewer })
            .then([]);
        given::<User>([registered()])
            .when(UserCommand::Rename { name: sealed("n2") })
            .then([UserEvent::Renamed(UserRenamed { name: sealed("n2") })]);
    }

    #[test]
    fn is_disabled_and_enabled() {
        let disabled = UserEvent::Disabled(UserDisabled {});
        given::<User>([registered()])
            .when(UserCommand::Disable)
            .then([disabled.clone()]);
        given::<User>([registered(), disabled])
            .when(UserCommand::Enable)
            .then([UserEvent::Enabled(UserEnabled {})]);
        given::<User>([registered()])
            .when(UserCommand::Enable)
            .then([]);
    }

    #[test]
    fn nobody_changes_a_stranger() {
        given::<User>([])
            .when(UserCommand::Disable)
            .rejected(&UserRejection::NotFound);
    }

    #[test]
    fn roles_are_ordered() {
        assert!(Role::Viewer < Role::Operator && Role::Operator < Role::Admin);
    }
}
