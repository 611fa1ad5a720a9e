//! Registering and signing in, on a real vault and a real log.
//!
//! Invariant: an address has one user, and what a token allows ends when it should.

use std::sync::Arc;

use commands::{Ask, Commands, DEFAULT_TENANT, Identity, RegisterError, Registration, bootstrap};
use domain::{Actor, CommandId, Timestamp, UserId, user::Role};
use event_log::{EventLog as _, JetStreamLog, Options, Position, Vault};
use futures::future::join_all;
use local::{Nats, Scratch};
use runtime::{Clock, Ids};
use secrecy::{ExposeSecret as _, SecretString};

struct World {
    clock: Clock,
    commands: Commands,
    identity: Identity,
    log: JetStreamLog,
    _server: Scratch<Nats>,
}

async fn world() -> World {
    let server = Nats::scratch().expect("a nats-server starts");
    let options = Options {
        accept_interval_sync: false,
        create: true,
        group_commit: true,
        monitor_url: server.monitor_url(),
        replicas: 1,
        url: SecretString::from(server.url()),
    };
    let log = JetStreamLog::open(&options).await.expect("the log opens");
    let clock = Clock::manual(Timestamp::from_unix_ms(1_800_000_000_000));
    let commands = Commands::new(
        Arc::new(log.clone()),
        clock.clone(),
        Ids::new(clock.clone()),
    );
    let vault = Vault::open(&log, &[7; 32]).await.expect("a vault");
    let identity = Identity::open(commands.clone(), vault)
        .await
        .expect("an identity");
    World {
        clock,
        commands,
        identity,
        log,
        _server: server,
    }
}

fn wanted(email: &str) -> Registration {
    Registration {
        email: email.into(),
        name: "Ann Example".into(),
        password: SecretString::from("correct horse battery"),
        role: Role::Operator,
    }
}

impl World {
    fn ask(&self) -> Ask {
        let id = self.commands.ids().next();
        let actor = Actor::User(UserId::new(id));
        Ask::new(actor, DEFAULT_TENANT, id, CommandId::new(id))
    }

    async fn sign_in(&self, email: &str, password: &str) -> Option<UserId> {
        let password = SecretString::from(password);
        let found = self
            .identity
            .sign_in(DEFAULT_TENANT, email, password)
            .await
            .expect("asked");
        found.map(|(user, _)| user)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_registrations_of_one_address_one_succeeds() {
    let world = world().await;
    let rivals = (0..16).map(|n| {
        let email = if n % 2 == 0 {
            "ann@example.org"
        } else {
            " ANN@example.org"
        };
        let (identity, ask) = (world.identity.clone(), world.ask());
        async move { identity.register(ask, wanted(email)).await }
    });
    let outcomes = join_all(rivals).await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let taken = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(RegisterError::EmailTaken)))
        .count();
    assert_eq!((won, taken), (1, 15), "{outcomes:?}");
    assert!(
        world
            .sign_in("ann@example.org", "correct horse battery")
            .await
            .is_some()
    );
    assert!(
        world
            .sign_in("ann@example.org", "wrong horse battery")
            .await
            .is_none()
    );
    assert!(
        world
            .sign_in("bob@example.org", "correct horse battery")
            .await
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_holds_neither_address_nor_name_nor_password() {
    let world = world().await;
    let ask = world.ask();
    let user = UserId::new(ask.id);
    let receipt = world
        .identity
        .register(ask, wanted("ann@example.org"))
        .await
        .expect("done");
    let head = world.log.head().await.expect("a head").position;
    for position in 1..=head.0 {
        let entry = world.log.at(Position(position)).await.expect("read");
        let text = format!("{entry:?}").to_lowercase();
        let payload = match entry {
            Some(event_log::Entry::Commit(commit)) => commit.payload,
            other => panic!("{other:?}"),
        };
        let payload = String::from_utf8(payload).expect("JSON").to_lowercase();
        for secret in ["ann@", "ann example", "correct horse"] {
            assert!(
                !text.contains(secret) && !payload.contains(secret),
                "{payload}"
            );
        }
    }
    let state = receipt.state.expect("a user");
    let opened = world
        .identity
        .open_personal(DEFAULT_TENANT, user, &state.email)
        .await;
    assert_eq!(opened.expect("asked").as_deref(), Some("ann@example.org"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_session() {
    let world = world().await;
    let ask = world.ask();
    let user = UserId::new(ask.id);
    world
        .identity
        .register(ask, wanted("ann@example.org"))
        .await
        .expect("done");
    let started = world
        .identity
        .start_session(DEFAULT_TENANT, user, Role::Operator)
        .await;
    let first = started.expect("a session");
    let principal = world
        .identity
        .verify(first.access.expose_secret())
        .expect("valid");
    assert_eq!((principal.user, principal.role), (user, Role::Operator));
    let refresh = |token: SecretString| {
        let identity = world.identity.clone();
        async move {
            identity
                .refresh(token.expose_secret())
                .await
                .expect("asked")
        }
    };
    let tabs = join_all((0..8).map(|_| refresh(first.refresh.clone()))).await;
    let mut successors: Vec<_> = tabs
        .into_iter()
        .map(|tab| tab.expect("a pair").1.refresh.expose_secret().to_owned())
        .collect();
    successors.dedup();
    assert_eq!(
        successors.len(),
        1,
        "tabs of one browser get the same successor"
    );
    let second = SecretString::from(successors.remove(0));
    let (_, third) = refresh(second.clone()).await.expect("a pair");
    world.clock.set(world.clock.now().plus_ms(11_000));
    assert!(refresh(second).await.is_none(), "used up");
    assert!(
        refresh(third.refresh).await.is_none(),
        "the family ended with the reuse"
    );
    world.clock.set(world.clock.now().plus_ms(601_000));
    assert!(
        world
            .identity
            .verify(first.access.expose_secret())
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bootstrapping_twice_makes_one_administrator() {
    let world = world().await;
    let first = bootstrap(&world.commands, &world.identity, wanted("root@example.org")).await;
    let head = world.log.head().await.expect("a head").position;
    let again = bootstrap(&world.commands, &world.identity, wanted("root@example.org")).await;
    assert_eq!(first.expect("done"), again.expect("done"));
    assert_eq!(world.log.head().await.expect("a head").position, head);
}
