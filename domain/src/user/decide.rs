//! What a user's events lead to, and what a user says to a command.
//!
//! Invariant: a command that changes nothing gives no event, so it can be retried.

use uuid::Uuid;

use super::{
    LinkedIdentity, Role, User, UserCommand, UserDisabled, UserEmailChanged, UserEnabled,
    UserErased, UserEvent, UserIdentityLinked, UserIdentityUnlinked, UserInvitationAccepted,
    UserInvitationRenewed, UserInvited, UserMfaDisabled, UserMfaEnabled, UserPasswordChanged,
    UserPlatformGranted, UserPlatformRevoked, UserRegistered, UserRejection, UserRenamed,
    UserRoleChanged,
};
use crate::{Actor, Aggregate, AggregateKind, Context, Decision, Sealed, Timestamp};

impl Aggregate for User {
    const KIND: AggregateKind = AggregateKind::User;
    type Event = UserEvent;
    type Command = UserCommand;
    type Rejection = UserRejection;

    fn evolve(state: Option<Self>, event: &UserEvent, at: Timestamp) -> Option<Self> {
        let Some(user) = state else {
            return match event {
                UserEvent::Invited(invited) => Some(Self {
                    invitation: Some(invited.invitation),
                    invited: true,
                    ..Self::new(&invited.email, &invited.name, invited.role, at)
                }),
                UserEvent::Registered(UserRegistered { email, name, role }) => {
                    Some(Self::new(email, name, *role, at))
                }
                _ => None,
            };
        };
        if user.erased {
            return Some(user);
        }
        let user = Self {
            updated_at: at,
            ..user
        };
        Some(user.after(event))
    }

    fn decide(state: Option<&Self>, command: &UserCommand, context: &Context) -> Decision<Self> {
        match (state, command) {
            (None, UserCommand::Register { email, name, role }) => {
                Ok(vec![UserEvent::Registered(UserRegistered {
                    email: email.clone(),
                    name: name.clone(),
                    role: *role,
                })])
            }
            (
                None,
                UserCommand::Invite {
                    email,
                    invitation,
                    name,
                    role,
                },
            ) => Ok(vec![UserEvent::Invited(UserInvited {
                email: email.clone(),
                invitation: *invitation,
                name: name.clone(),
                role: *role,
            })]),
            (
                None,
                UserCommand::Join {
                    email,
                    linked,
                    name,
                    role,
                },
            ) => Ok(vec![
                UserEvent::Registered(UserRegistered {
                    email: email.clone(),
                    name: name.clone(),
                    role: *role,
                }),
                UserEvent::IdentityLinked(UserIdentityLinked {
                    identity: linked.identity,
                    passwordless: true,
                    provider: linked.provider.clone(),
                }),
            ]),
            (None, _) => Err(UserRejection::NotFound),
            (
                Some(user),
                UserCommand::Invite { email, name, .. }
                | UserCommand::Join { email, name, .. }
                | UserCommand::Register { email, name, .. },
            ) => {
                if user.email != *email || user.name != *name {
                    return Err(UserRejection::AlreadyExists);
                }
                Ok(vec![])
            }
            (Some(user), UserCommand::Erase) if user.erased => Ok(vec![]),
            (Some(user), _) if user.erased => Err(UserRejection::Erased),
            (Some(user), command) => user.change(command, context),
        }
    }
}

impl User {
    /// Somebody who has just become a user.
    fn new(email: &Sealed, name: &Sealed, role: Role, at: Timestamp) -> Self {
        Self {
            created_at: at,
            credential: None,
            disabled: false,
            email: email.clone(),
            erased: false,
            identities: Vec::new(),
            invitation: None,
            invited: false,
            mfa: None,
            name: name.clone(),
            passwordless: false,
            platform: false,
            role,
            updated_at: at,
        }
    }

    fn after(self, event: &UserEvent) -> Self {
        match event {
            UserEvent::Disabled(UserDisabled {}) => Self {
                disabled: true,
                invitation: None,
                ..self
            },
            UserEvent::EmailChanged(UserEmailChanged { email }) => Self {
                email: email.clone(),
                ..self
            },
            UserEvent::Enabled(UserEnabled {}) => Self {
                disabled: false,
                ..self
            },
            UserEvent::Erased(UserErased {}) => self.forgotten(),
            UserEvent::MfaDisabled(_) => Self { mfa: None, ..self },
            UserEvent::MfaEnabled(UserMfaEnabled { credential }) => Self {
                mfa: Some(*credential),
                ..self
            },
            UserEvent::IdentityLinked(linked) => self.with(linked),
            UserEvent::IdentityUnlinked(UserIdentityUnlinked { identity, .. }) => Self {
                identities: without(self.identities, *identity),
                ..self
            },
            UserEvent::PasswordChanged(UserPasswordChanged { credential }) => Self {
                credential: Some(*credential),
                passwordless: false,
                ..self
            },
            UserEvent::InvitationAccepted(UserInvitationAccepted { credential, name }) => Self {
                credential: Some(*credential),
                invitation: None,
                invited: false,
                name: name.clone().unwrap_or(self.name),
                ..self
            },
            UserEvent::InvitationRenewed(UserInvitationRenewed { invitation }) => Self {
                invitation: Some(*invitation),
                ..self
            },
            UserEvent::PlatformGranted(_) => Self {
                platform: true,
                ..self
            },
            UserEvent::PlatformRevoked(_) => Self {
                platform: false,
                ..self
            },
            UserEvent::Invited(_) | UserEvent::Registered(_) => self,
            UserEvent::Renamed(UserRenamed { name }) => Self {
                name: name.clone(),
                ..self
            },
            UserEvent::RoleChanged(UserRoleChanged { role }) => Self {
                role: *role,
                ..self
            },
        }
    }

    /// Nothing personal is left, and no way in.
    fn forgotten(self) -> Self {
        Self {
            disabled: true,
            email: Sealed::default(),
            erased: true,
            identities: Vec::new(),
            invitation: None,
            invited: false,
            mfa: None,
            name: Sealed::default(),
            platform: false,
            ..self
        }
    }

    fn with(self, linked: &UserIdentityLinked) -> Self {
        let mut identities = without(self.identities, linked.identity);
        identities.push(LinkedIdentity {
            identity: linked.identity,
            provider: linked.provider.clone(),
        });
        Self {
            identities,
            passwordless: self.passwordless || linked.passwordless,
            ..self
        }
    }

    /// The identity that the provider vouches for.
    pub fn identity_of(&self, provider: &str) -> Option<&LinkedIdentity> {
        let mut identities = self.identities.iter();
        identities.find(|linked| linked.provider == provider)
    }

    fn change(&self, command: &UserCommand, context: &Context) -> Decision<Self> {
        if (self.role == Role::Admin || self.platform) && is_own(context) && self.loses_by(command)
        {
            return Err(UserRejection::OwnRights);
        }
        let event = match command {
            UserCommand::AcceptInvitation {
                credential,
                invitation,
                name,
            } => self.accept(*credential, *invitation, name.as_ref())?,
            UserCommand::ChangePassword { .. }
            | UserCommand::EnableMfa { .. }
            | UserCommand::LinkIdentity(_)
                if self.invited =>
            {
                return Err(UserRejection::Invited);
            }
            UserCommand::ChangeEmail { email } => (self.email != *email).then(|| {
                let email = email.clone();
                UserEvent::EmailChanged(UserEmailChanged { email })
            }),
            UserCommand::ChangePassword { credential } => (self.credential != Some(*credential))
                .then_some(UserEvent::PasswordChanged(UserPasswordChanged {
                    credential: *credential,
                })),
            UserCommand::Disable => {
                (!self.disabled).then_some(UserEvent::Disabled(UserDisabled {}))
            }
            UserCommand::DisableMfa => self
                .mfa
                .map(|credential| UserEvent::MfaDisabled(UserMfaDisabled { credential })),
            UserCommand::Enable => self.disabled.then_some(UserEvent::Enabled(UserEnabled {})),
            UserCommand::EnableMfa { credential } => self.enable_mfa(*credential)?,
            UserCommand::Erase => Some(UserEvent::Erased(UserErased {})),
            UserCommand::GrantPlatform => {
                (!self.platform).then_some(UserEvent::PlatformGranted(UserPlatformGranted {}))
            }
            UserCommand::Invite { .. }
            | UserCommand::Join { .. }
            | UserCommand::Register { .. } => None,
            UserCommand::RenewInvitation { invitation } => self.renew(*invitation)?,
            UserCommand::RevokePlatform => self
                .platform
                .then_some(UserEvent::PlatformRevoked(UserPlatformRevoked {})),
            UserCommand::LinkIdentity(linked) => self.link(linked)?,
            UserCommand::UnlinkIdentity { identity } => self.unlink(*identity)?,
            UserCommand::Update { name, role } => return Ok(self.update(name.as_ref(), *role)),
        };
        Ok(event.into_iter().collect())
    }

    fn accept(
        &self,
        credential: Uuid,
        invitation: Uuid,
        name: Option<&Sealed>,
    ) -> Result<Option<UserEvent>, UserRejection> {
        if !self.invited && self.credential == Some(credential) {
            return Ok(None);
        }
        if self.disabled || self.invitation != Some(invitation) {
            return Err(UserRejection::InvitationEnded);
        }
        let name = name.filter(|name| **name != self.name).cloned();
        let accepted = UserInvitationAccepted { credential, name };
        Ok(Some(UserEvent::InvitationAccepted(accepted)))
    }

    fn renew(&self, invitation: Uuid) -> Result<Option<UserEvent>, UserRejection> {
        if !self.invited {
            return Err(UserRejection::NotInvited);
        }
        if self.disabled {
            return Err(UserRejection::Disabled);
        }
        let renewed = UserEvent::InvitationRenewed(UserInvitationRenewed { invitation });
        Ok((self.invitation != Some(invitation)).then_some(renewed))
    }

    fn enable_mfa(&self, credential: Uuid) -> Result<Option<UserEvent>, UserRejection> {
        match self.mfa {
            None => Ok(Some(UserEvent::MfaEnabled(UserMfaEnabled { credential }))),
            Some(one) if one == credential => Ok(None),
            Some(_) => Err(UserRejection::MfaEnabled),
        }
    }

    fn link(&self, linked: &LinkedIdentity) -> Result<Option<UserEvent>, UserRejection> {
        match self.identity_of(&linked.provider) {
            Some(found) if found.identity == linked.identity => Ok(None),
            Some(_) => Err(UserRejection::ProviderLinked),
            // A provider that is called otherwise now.
            None if (self.identities.iter()).any(|found| found.identity == linked.identity) => {
                Ok(None)
            }
            None => Ok(Some(UserEvent::IdentityLinked(UserIdentityLinked {
                identity: linked.identity,
                passwordless: false,
                provider: linked.provider.clone(),
            }))),
        }
    }

    fn unlink(&self, identity: Uuid) -> Result<Option<UserEvent>, UserRejection> {
        let mut identities = self.identities.iter();
        let Some(linked) = identities.find(|linked| linked.identity == identity) else {
            return Ok(None);
        };
        if self.passwordless && self.identities.len() == 1 {
            return Err(UserRejection::LastWayIn);
        }
        Ok(Some(UserEvent::IdentityUnlinked(UserIdentityUnlinked {
            identity: linked.identity,
            provider: linked.provider.clone(),
        })))
    }

    fn update(&self, name: Option<&Sealed>, role: Option<Role>) -> Vec<UserEvent> {
        let name = name.filter(|name| **name != self.name).cloned();
        let role = role.filter(|role| *role != self.role);
        let renamed = name.map(|name| UserEvent::Renamed(UserRenamed { name }));
        let changed = role.map(|role| UserEvent::RoleChanged(UserRoleChanged { role }));
        renamed.into_iter().chain(changed).collect()
    }

    /// Whether they may do less afterwards than an administrator may.
    fn loses_by(&self, command: &UserCommand) -> bool {
        match command {
            UserCommand::Disable | UserCommand::Erase => true,
            UserCommand::RevokePlatform => self.platform,
            UserCommand::Update { role, .. } => role.is_some_and(|role| role < self.role),
            _ => false,
        }
    }
}

fn without(mut identities: Vec<LinkedIdentity>, identity: Uuid) -> Vec<LinkedIdentity> {
    identities.retain(|linked| linked.identity != identity);
    identities
}

/// Whether they ask it of themselves.
fn is_own(context: &Context) -> bool {
    match context.actor {
        Actor::Platform(user) | Actor::User(user) => user.uuid() == context.id,
        Actor::System(_) => false,
    }
}
