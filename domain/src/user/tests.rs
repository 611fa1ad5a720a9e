//! The rules of a user, one scenario each.
//!
//! Invariant: every rule that can say no has a scenario in which it does.

use uuid::Uuid;

use super::*;
use crate::{
    Actor, Aggregate as _, UserId,
    testing::{NOW, context, given},
};

fn sealed(text: &'static str) -> Sealed {
    Sealed(text.into())
}

fn registered(role: Role) -> UserEvent {
    UserEvent::Registered(UserRegistered {
        email: sealed("e1"),
        name: sealed("n1"),
        role,
    })
}

fn register(email: &'static str) -> UserCommand {
    UserCommand::Register {
        email: sealed(email),
        name: sealed("n1"),
        role: Role::Viewer,
    }
}

fn viewer() -> UserEvent {
    registered(Role::Viewer)
}

fn become_role(role: Role) -> UserCommand {
    UserCommand::Update {
        name: None,
        role: Some(role),
    }
}

#[test]
fn registers_once() {
    given::<User>([]).when(register("e1")).then([viewer()]);
    given::<User>([viewer()]).when(register("e1")).then([]);
    given::<User>([viewer()])
        .when(register("e2"))
        .rejected(&UserRejection::AlreadyExists);
}

#[test]
fn changes_only_what_differs() {
    let changed = UserEvent::RoleChanged(UserRoleChanged { role: Role::Admin });
    let renamed = UserEvent::Renamed(UserRenamed { name: sealed("n2") });
    given::<User>([viewer()])
        .when(UserCommand::Update {
            name: Some(sealed("n2")),
            role: Some(Role::Admin),
        })
        .then([renamed, changed]);
    given::<User>([viewer()])
        .when(UserCommand::Update {
            name: Some(sealed("n1")),
            role: Some(Role::Viewer),
        })
        .then([]);
}

#[test]
fn changes_the_address_and_the_password() {
    let email = sealed("e2");
    given::<User>([viewer()])
        .when(UserCommand::ChangeEmail {
            email: email.clone(),
        })
        .then([UserEvent::EmailChanged(UserEmailChanged { email })]);
    let credential = Uuid::from_u128(5);
    given::<User>([viewer()])
        .when(UserCommand::ChangePassword { credential })
        .then([UserEvent::PasswordChanged(UserPasswordChanged {
            credential,
        })]);
}

#[test]
fn has_one_second_factor_or_none() {
    let credential = Uuid::from_u128(5);
    let enable = UserCommand::EnableMfa { credential };
    let enabled = UserEvent::MfaEnabled(UserMfaEnabled { credential });
    let disabled = UserEvent::MfaDisabled(UserMfaDisabled { credential });
    given::<User>([viewer()])
        .when(enable.clone())
        .then([enabled.clone()]);
    given::<User>([viewer(), enabled.clone()])
        .when(UserCommand::EnableMfa {
            credential: Uuid::from_u128(6),
        })
        .rejected(&UserRejection::MfaEnabled);
    given::<User>([viewer(), enabled.clone()])
        .when(UserCommand::DisableMfa)
        .then([disabled.clone()]);
    given::<User>([viewer()])
        .when(UserCommand::DisableMfa)
        .then([]);
    given::<User>([viewer(), enabled, disabled])
        .when(enable)
        .then([UserEvent::MfaEnabled(UserMfaEnabled { credential })]);
}

fn invited(invitation: u128) -> UserEvent {
    UserEvent::Invited(UserInvited {
        email: sealed("e1"),
        invitation: Uuid::from_u128(invitation),
        name: sealed("n1"),
        role: Role::Viewer,
    })
}

fn accept(invitation: u128, credential: u128, name: Option<&'static str>) -> UserCommand {
    UserCommand::AcceptInvitation {
        credential: Uuid::from_u128(credential),
        invitation: Uuid::from_u128(invitation),
        name: name.map(sealed),
    }
}

fn accepted(credential: u128, name: Option<&'static str>) -> UserEvent {
    UserEvent::InvitationAccepted(UserInvitationAccepted {
        credential: Uuid::from_u128(credential),
        name: name.map(sealed),
    })
}

#[test]
fn is_invited_and_lets_themselves_in_once() {
    given::<User>([])
        .when(UserCommand::Invite {
            email: sealed("e1"),
            invitation: Uuid::from_u128(1),
            name: sealed("n1"),
            role: Role::Viewer,
        })
        .then([invited(1)]);
    given::<User>([invited(1)])
        .when(accept(1, 5, Some("n2")))
        .then([accepted(5, Some("n2"))]);
    given::<User>([invited(1)])
        .when(accept(1, 5, Some("n1")))
        .then([accepted(5, None)]);
    for command in [accept(1, 6, None), accept(2, 6, None)] {
        given::<User>([invited(1), accepted(5, None)])
            .when(command)
            .rejected(&UserRejection::InvitationEnded);
    }
    let user = [invited(1), accepted(5, Some("n2"))]
        .iter()
        .fold(None, |user, event| User::evolve(user, event, NOW))
        .expect("a user");
    assert!(!user.invited && user.invitation.is_none());
    assert_eq!(
        (user.credential, user.name),
        (Some(Uuid::from_u128(5)), sealed("n2"))
    );
}

#[test]
fn whoever_has_not_accepted_has_no_way_in_to_change() {
    let credential = Uuid::from_u128(5);
    for command in [
        UserCommand::ChangePassword { credential },
        UserCommand::EnableMfa { credential },
    ] {
        given::<User>([invited(1)])
            .when(command)
            .rejected(&UserRejection::Invited);
    }
}

#[test]
fn another_invitation_or_being_disabled_ends_the_one_before() {
    let renew = |invitation| UserCommand::RenewInvitation {
        invitation: Uuid::from_u128(invitation),
    };
    let renewed = UserEvent::InvitationRenewed(UserInvitationRenewed {
        invitation: Uuid::from_u128(2),
    });
    let ended = UserRejection::InvitationEnded;
    given::<User>([invited(1)])
        .when(renew(2))
        .then([renewed.clone()]);
    given::<User>([invited(1), renewed.clone()])
        .when(accept(1, 5, None))
        .rejected(&ended);
    given::<User>([invited(1), renewed.clone()])
        .when(accept(2, 5, None))
        .then([accepted(5, None)]);
    given::<User>([viewer()])
        .when(renew(2))
        .rejected(&UserRejection::NotInvited);
    let disabled = UserEvent::Disabled(UserDisabled {});
    let enabled = UserEvent::Enabled(UserEnabled {});
    given::<User>([invited(1), disabled.clone()])
        .when(renew(2))
        .rejected(&UserRejection::Disabled);
    given::<User>([invited(1), disabled.clone()])
        .when(accept(1, 5, None))
        .rejected(&ended);
    given::<User>([invited(1), disabled.clone(), enabled.clone()])
        .when(accept(1, 5, None))
        .rejected(&ended);
    given::<User>([invited(1), disabled, enabled])
        .when(renew(2))
        .then([renewed]);
    given::<User>([invited(1), UserEvent::Erased(UserErased {})])
        .when(accept(1, 5, None))
        .rejected(&UserRejection::Erased);
}

#[test]
fn is_disabled_and_enabled() {
    let disabled = UserEvent::Disabled(UserDisabled {});
    given::<User>([viewer()])
        .when(UserCommand::Disable)
        .then([disabled.clone()]);
    given::<User>([viewer(), disabled])
        .when(UserCommand::Enable)
        .then([UserEvent::Enabled(UserEnabled {})]);
    given::<User>([viewer()]).when(UserCommand::Enable).then([]);
}

#[test]
fn is_erased_for_good() {
    let erased = UserEvent::Erased(UserErased {});
    given::<User>([viewer()])
        .when(UserCommand::Erase)
        .then([erased.clone()]);
    for command in [UserCommand::Enable, become_role(Role::Admin)] {
        given::<User>([viewer(), erased.clone()])
            .when(command)
            .rejected(&UserRejection::Erased);
    }
    let user = [viewer(), erased, UserEvent::Enabled(UserEnabled {})]
        .iter()
        .fold(None, |user, event| User::evolve(user, event, NOW))
        .expect("a user");
    assert!(user.erased && user.disabled);
    assert_eq!(
        (user.email, user.name),
        (Sealed::default(), Sealed::default())
    );
}

#[test]
fn administrators_take_no_rights_from_themselves() {
    let admin = User::evolve(None, &registered(Role::Admin), NOW).expect("a user");
    let mut own = context(NOW);
    own.actor = Actor::User(UserId::new(own.id));
    let taking = [
        UserCommand::Disable,
        UserCommand::Erase,
        become_role(Role::Operator),
    ];
    for command in &taking {
        let said = User::decide(Some(&admin), command, &own);
        assert_eq!(said, Err(UserRejection::OwnRights), "{command:?}");
        assert!(User::decide(Some(&admin), command, &context(NOW)).is_ok());
    }
    let kept = become_role(Role::Admin);
    assert_eq!(User::decide(Some(&admin), &kept, &own), Ok(vec![]));
    let operator = User::evolve(None, &registered(Role::Operator), NOW).expect("a user");
    assert!(User::decide(Some(&operator), &UserCommand::Erase, &own).is_ok());
}

#[test]
fn administers_the_platform_until_somebody_else_says_no() {
    let granted = UserEvent::PlatformGranted(UserPlatformGranted {});
    let revoked = UserEvent::PlatformRevoked(UserPlatformRevoked {});
    given::<User>([registered(Role::Admin)])
        .when(UserCommand::GrantPlatform)
        .then([granted.clone()]);
    given::<User>([registered(Role::Admin), granted.clone()])
        .when(UserCommand::RevokePlatform)
        .then([revoked]);
    given::<User>([registered(Role::Admin)])
        .when(UserCommand::RevokePlatform)
        .then([]);
    let events = [
        registered(Role::Admin),
        granted,
        UserEvent::Erased(UserErased {}),
    ];
    let fold = |events: &[UserEvent]| {
        let events = events.iter();
        events
            .fold(None, |user, event| User::evolve(user, event, NOW))
            .expect("a user")
    };
    let mut own = context(NOW);
    for actor in [
        Actor::User(UserId::new(own.id)),
        Actor::Platform(UserId::new(own.id)),
    ] {
        own.actor = actor;
        let said = User::decide(
            Some(&fold(&events[..2])),
            &UserCommand::RevokePlatform,
            &own,
        );
        assert_eq!(said, Err(UserRejection::OwnRights));
    }
    assert!(!fold(&events).platform);
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

fn linked(provider: &str, identity: u128) -> LinkedIdentity {
    LinkedIdentity {
        identity: Uuid::from_u128(identity),
        provider: provider.to_owned(),
    }
}

fn was_linked(provider: &str, identity: u128, passwordless: bool) -> UserEvent {
    let LinkedIdentity { identity, provider } = linked(provider, identity);
    UserEvent::IdentityLinked(UserIdentityLinked {
        identity,
        passwordless,
        provider,
    })
}

fn unlink(identity: u128) -> UserCommand {
    let identity = Uuid::from_u128(identity);
    UserCommand::UnlinkIdentity { identity }
}

fn was_unlinked(provider: &str, identity: u128) -> UserEvent {
    let LinkedIdentity { identity, provider } = linked(provider, identity);
    UserEvent::IdentityUnlinked(UserIdentityUnlinked { identity, provider })
}

#[test]
fn joins_by_an_identity_without_a_password() {
    let join = UserCommand::Join {
        email: sealed("e1"),
        linked: linked("desk", 1),
        name: sealed("n1"),
        role: Role::Viewer,
    };
    given::<User>([])
        .when(join)
        .then([viewer(), was_linked("desk", 1, true)]);
}

#[test]
fn one_identity_of_each_provider_is_linked() {
    let link = |provider, identity| UserCommand::LinkIdentity(linked(provider, identity));
    given::<User>([viewer()])
        .when(link("desk", 1))
        .then([was_linked("desk", 1, false)]);
    let known = || [viewer(), was_linked("desk", 1, false)];
    given::<User>(known())
        .when(link("house", 2))
        .then([was_linked("house", 2, false)]);
    given::<User>(known()).when(link("desk", 1)).then([]);
    given::<User>(known()).when(link("renamed", 1)).then([]);
    given::<User>(known())
        .when(link("desk", 2))
        .rejected(&UserRejection::ProviderLinked);
}

#[test]
fn the_only_way_in_stays() {
    given::<User>([viewer(), was_linked("desk", 1, false)])
        .when(unlink(1))
        .then([was_unlinked("desk", 1)]);
    given::<User>([viewer()]).when(unlink(1)).then([]);
    let joined = || vec![viewer(), was_linked("desk", 1, true)];
    given::<User>(joined())
        .when(unlink(1))
        .rejected(&UserRejection::LastWayIn);
    let mut two = joined();
    two.push(was_linked("house", 2, false));
    given::<User>(two)
        .when(unlink(1))
        .then([was_unlinked("desk", 1)]);
    let mut set = joined();
    let credential = Uuid::from_u128(9);
    set.push(UserEvent::PasswordChanged(UserPasswordChanged {
        credential,
    }));
    given::<User>(set)
        .when(unlink(1))
        .then([was_unlinked("desk", 1)]);
}
