//! Tenants and those who administer the platform, on a real vault and a real log.
//!
//! Invariant: a tenant is founded whole or not at all, and what lets somebody act in it ends with
//! what lets them be who they are.

use commands::{Ask, CommandError, NewTenant, Principal, Tokens};
use domain::{
    Name, Slug, TenantId,
    tenant::{Tenant, TenantRejection},
};

use super::*;

const PASSWORD: &str = "correct horse";

fn slug(text: &str) -> Slug {
    Slug::try_new(text).expect("a slug")
}

fn founded(text: &str, email: &str) -> NewTenant {
    NewTenant {
        administrator: Registration {
            email: email.to_owned(),
            name: "Ann".to_owned(),
            password: PASSWORD.into(),
            role: Role::Viewer,
        },
        name: Name::try_new("Acme").expect("a name"),
        slug: slug(text),
    }
}

async fn platform(world: &World) -> UserId {
    let administrator = founded("main", "root@example.org").administrator;
    let made = bootstrap(&world.commands, &world.identity, administrator).await;
    made.expect("an administrator")
}

fn command(world: &World, by: UserId) -> Ask {
    let id = world.commands.ids().next();
    Ask::new(Actor::Platform(by), TenantId::MAIN, id, CommandId::new(id))
}

fn about(world: &World, by: UserId, tenant: TenantId) -> Ask {
    Ask {
        id: tenant.uuid(),
        tenant,
        ..command(world, by)
    }
}

async fn signed_in(world: &World, tenant: TenantId, email: &str) -> Option<Tokens> {
    let known = world.identity.sign_in(tenant, email, PASSWORD.into()).await;
    let (user, current) = known.expect("an answer")?;
    let role = current.state.role;
    let tokens = world.identity.start_session(tenant, user, role).await;
    Some(tokens.expect("a session"))
}

fn principal(world: &World, tokens: &Tokens) -> Option<Principal> {
    world.identity.verify(tokens.access.expose_secret())
}

#[tokio::test]
async fn a_tenant_is_founded_once_with_a_way_in() {
    let world = world().await;
    let root = platform(&world).await;
    let ask = command(&world, root);
    let tenant = TenantId::of_slug(&slug("acme"));
    let create = |ask, email| world.identity.create_tenant(ask, founded("acme", email));
    let made = create(ask.clone(), "ann@acme.example")
        .await
        .expect("founded");
    assert!(made.changed && !made.replayed);
    let again = create(ask, "ann@acme.example").await.expect("founded");
    assert_eq!(
        (again.version, again.position),
        (made.version, made.position)
    );
    assert!(again.replayed);
    let other = create(command(&world, root), "eve@acme.example").await;
    assert!(matches!(other, Err(AccountError::SlugTaken)), "{other:?}");
    assert!(
        signed_in(&world, tenant, "eve@acme.example")
            .await
            .is_none()
    );

    let tokens = signed_in(&world, tenant, "Ann@acme.example")
        .await
        .expect("in");
    let ann = principal(&world, &tokens).expect("valid");
    assert_eq!((ann.tenant, ann.role), (tenant, Role::Admin));
    assert!(!ann.platform && !ann.acting);
    let state = world.commands.state::<Tenant>(tenant, tenant.uuid()).await;
    assert_eq!(
        state.expect("read").expect("a tenant").state.slug,
        slug("acme")
    );
    // The same address elsewhere is somebody else.
    let elsewhere = TenantId::of_slug(&slug("apex"));
    for nobody in [elsewhere, TenantId::MAIN] {
        assert!(
            signed_in(&world, nobody, "ann@acme.example")
                .await
                .is_none()
        );
    }
}

#[tokio::test]
async fn what_cannot_be_founded_leaves_nothing() {
    let world = world().await;
    let root = platform(&world).await;
    let tenant = TenantId::of_slug(&slug("acme"));
    let head = world.log.head().await.expect("a head").position;
    let wanted = founded("acme", "no address");
    let refused = world
        .identity
        .create_tenant(command(&world, root), wanted)
        .await;
    assert!(matches!(refused, Err(AccountError::InvalidEmail)));
    assert_eq!(world.log.head().await.expect("a head").position, head);
    // Of many at once one founds it, and its administrator alone gets in.
    let rivals = (0..8).map(|n| {
        let wanted = founded("acme", &format!("ann{n}@acme.example"));
        world.identity.create_tenant(command(&world, root), wanted)
    });
    let outcomes = join_all(rivals).await;
    let won: Vec<_> = (0..8).filter(|n| outcomes[*n].is_ok()).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    for n in 0..8 {
        let email = format!("ann{n}@acme.example");
        let tokens = signed_in(&world, tenant, &email).await;
        assert_eq!(tokens.is_some(), won.contains(&n), "{email}");
    }
}

#[tokio::test]
async fn into_a_suspended_tenant_nobody_gets() {
    let world = world().await;
    let root = platform(&world).await;
    let (tenant, email) = (TenantId::of_slug(&slug("acme")), "ann@acme.example");
    let wanted = founded("acme", email);
    let made = world
        .identity
        .create_tenant(command(&world, root), wanted)
        .await;
    made.expect("founded");
    let tokens = signed_in(&world, tenant, email).await.expect("in");
    let suspend = |on| {
        world
            .identity
            .set_suspended(about(&world, root, tenant), on)
    };
    suspend(true).await.expect("suspended");
    assert!(principal(&world, &tokens).is_none());
    assert!(signed_in(&world, tenant, email).await.is_none());
    // A process that starts meanwhile hears of it.
    let vault = Vault::open(&world.log, &[7; 32]).await.expect("a vault");
    let other = Box::pin(Identity::open(world.commands.clone(), vault)).await;
    let other = other.expect("an identity");
    assert!(other.verify(tokens.access.expose_secret()).is_none());
    suspend(false).await.expect("resumed");
    assert!(principal(&world, &tokens).is_some());
    assert!(signed_in(&world, tenant, email).await.is_some());
    let refresh = world.identity.refresh(tokens.refresh.expose_secret(), None);
    assert!(refresh.await.expect("an answer").is_some());
    let main = about(&world, root, TenantId::MAIN);
    let refused = world.identity.set_suspended(main, true).await;
    assert!(
        matches!(refused, Err(CommandError::Rejected(TenantRejection::Main))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn who_acts_in_a_tenant_is_known_there_and_ends_with_their_right() {
    let world = world().await;
    let root = platform(&world).await;
    let tenant = TenantId::of_slug(&slug("acme"));
    let wanted = founded("acme", "ann@acme.example");
    let made = world
        .identity
        .create_tenant(command(&world, root), wanted)
        .await;
    made.expect("founded");
    let home = signed_in(&world, TenantId::MAIN, "root@example.org").await;
    let home = home.expect("in");
    let own = principal(&world, &home).expect("valid");
    assert!(own.platform && !own.acting);
    let reason = || Name::try_new("ticket 7").expect("a name");
    let enter = || {
        let ask = about(&world, root, tenant);
        world.identity.enter(&own, ask, reason())
    };
    let entry = enter().await.expect("entered");
    let acting = world
        .identity
        .verify(entry.access.expose_secret())
        .expect("valid");
    assert_eq!(
        (acting.tenant, acting.user, acting.role),
        (tenant, root, Role::Admin)
    );
    assert!(acting.acting && !acting.platform && acting.home() == TenantId::MAIN);
    assert_eq!(acting.session, own.session);
    let nobody = world.identity.refresh(entry.access.expose_secret(), None);
    assert!(nobody.await.expect("an answer").is_none());

    let revoke = |granted| {
        let ask = Ask {
            actor: Actor::System("test".into()),
            id: root.uuid(),
            ..command(&world, root)
        };
        world.identity.set_platform(ask, granted)
    };
    revoke(false).await.expect("revoked");
    assert!(
        world
            .identity
            .verify(entry.access.expose_secret())
            .is_none()
    );
    assert!(!principal(&world, &home).expect("still in").platform);
    revoke(true).await.expect("granted");
    assert!(
        world
            .identity
            .verify(entry.access.expose_secret())
            .is_some()
    );
    let ended = world
        .identity
        .end_sign_in(TenantId::MAIN, root, own.session);
    assert!(ended.await.expect("ended"));
    assert!(
        world
            .identity
            .verify(entry.access.expose_secret())
            .is_none()
    );
}

#[tokio::test]
async fn an_administrator_of_before_gets_the_right_at_the_next_start() {
    let world = world().await;
    let email = "root@example.org";
    let user = uuid::Uuid::new_v5(
        &TenantId::MAIN.uuid(),
        format!("administrator/{email}").as_bytes(),
    );
    let actor = Actor::System("bootstrap".into());
    let ask = Ask::new(actor, TenantId::MAIN, user, CommandId::new(user));
    let wanted = Registration {
        role: Role::Admin,
        ..founded("main", email).administrator
    };
    world
        .identity
        .register(ask, wanted)
        .await
        .expect("registered");
    let holds = || {
        world
            .identity
            .holds_platform(TenantId::MAIN, UserId::new(user))
    };
    assert!(!holds().await.expect("an answer"));
    assert_eq!(platform(&world).await, UserId::new(user));
    assert!(holds().await.expect("an answer"));
}

#[tokio::test]
async fn a_start_grants_the_right_once() {
    let world = world().await;
    let root = platform(&world).await;
    let ask = Ask {
        actor: Actor::System("test".into()),
        id: root.uuid(),
        ..command(&world, root)
    };
    world
        .identity
        .set_platform(ask, false)
        .await
        .expect("revoked");
    assert_eq!(platform(&world).await, root);
    let found = world
        .commands
        .state::<User>(TenantId::MAIN, root.uuid())
        .await;
    assert!(!found.expect("read").expect("a user").state.platform);
}
