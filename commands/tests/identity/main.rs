//! Registering and signing in, on a real vault and a real log.
//!
//! Invariant: an address has one user, and what a token allows ends when it should.

mod alike;
mod api_keys;
mod authenticator;
mod erasure;
mod invite;
mod linked;
mod mfa;
mod passwords;
mod races;
mod sessions;
mod staged;
mod step_up;
mod tenants;
mod told;

use std::sync::Arc;

use commands::{AccountError, Ask, Commands, DEFAULT_TENANT, Identity, Registration, bootstrap};
use domain::{
    Actor, CommandId, Timestamp, UserId,
    user::{Role, User, UserCommand},
};
use event_log::{EventLog as _, JetStreamLog, Options, Position, Vault};
use futures::future::join_all;
use local::{Nats, Scratch};
use runtime::{Clock, Ids};
use secrecy::{ExposeSecret as _, SecretString};
use tracing::Instrument as _;

struct World {
    clock: Clock,
    commands: Commands,
    identity: Identity,
    log: JetStreamLog,
    server: Scratch<Nats>,
}

async fn world() -> World {
    let server = Nats::scratch().expect("a nats-server starts");
    let options = |role: event_log::Role| Options {
        accept_interval_sync: false,
        group_commit: true,
        monitor_url: server.monitor_url(),
        replicas: 1,
        role,
        url: SecretString::from(server.url_of(role.user()).expect("a password")),
    };
    let owner = JetStreamLog::open(&options(event_log::Role::Owner)).await;
    owner.expect("the owner's log");
    let log = JetStreamLog::open(&options(event_log::Role::Gateway)).await;
    let log = log.expect("the log opens");
    let clock = Clock::manual(Timestamp::from_unix_ms(1_800_000_000_000));
    let commands = Commands::new(
        Arc::new(log.clone()),
        clock.clone(),
        Ids::new(clock.clone()),
    );
    let vault = Vault::open(&log, &[7; 32]).await.expect("a vault");
    let opened = Box::pin(Identity::open(commands.clone(), vault)).await;
    let identity = opened.expect("an identity");
    World {
        clock,
        commands,
        identity,
        log,
        server,
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

/// Whether somebody was turned away because too many wait for their password's hash.
fn is_busy(outcome: &Result<commands::Receipt<User>, AccountError>) -> bool {
    let Err(AccountError::Command(commands::CommandError::Failed(failed))) = outcome else {
        return false;
    };
    matches!(failed, commands::Failure::Busy(_))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_registrations_of_one_address_one_succeeds() {
    let world = world().await;
    let other = world.other(&world.clock).await;
    let rivals = (0..200).map(|n| {
        let email = if n % 4 < 2 {
            "ann@example.org"
        } else {
            " ANN@example.org"
        };
        let process = if n % 2 == 0 { &world.identity } else { &other };
        let (identity, ask) = (process.clone(), world.ask());
        async move { identity.register(ask, wanted(email)).await }
    });
    let outcomes = join_all(rivals).await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let is_taken = |outcome: &&_| matches!(outcome, Err(AccountError::EmailTaken));
    let taken = outcomes.iter().filter(is_taken).count();
    let busy = outcomes.iter().filter(|outcome| is_busy(outcome)).count();
    assert_eq!((won, taken + busy), (1, 199), "{outcomes:?}");
    assert!(taken > 0, "{outcomes:?}");
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
                .refresh(token.expose_secret(), None)
                .await
                .expect("asked")
                .map(|refreshed| (refreshed.principal, refreshed.tokens))
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
    let genuine = first.refresh.expose_secret();
    for forged in [
        format!("{}A", &genuine[..64]),
        format!("{}{}", &genuine[..64], "A".repeat(43)),
        format!("{genuine}A"),
        first.access.expose_secret().to_owned(),
    ] {
        let ended = world.identity.end_session(&forged).await;
        ended.expect("asked");
        assert!(refresh(forged.into()).await.is_none(), "never given out");
    }
    let second = SecretString::from(successors.remove(0));
    let (_, third) = refresh(second.clone()).await.expect("a pair");
    world.clock.set(world.clock.now().plus_ms(11_000));
    let (_, third) = refresh(third.refresh).await.expect("a pair");
    assert!(refresh(second).await.is_none(), "used up, two tokens ago");
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
async fn a_registration_that_comes_again_changes_nothing() {
    let world = world().await;
    let email = "ann@example.org";
    let ask = Ask {
        fingerprint: Some(commands::fingerprint(&[b"first"])),
        ..world.ask()
    };
    // Eight copies of one request at a time, as a client with a short patience sends them.
    let copies = (0..8).map(|_| world.identity.register(ask.clone(), wanted(email)));
    let answers = join_all(copies).await;
    let made: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.expect("answered"))
        .collect();
    assert_eq!(made.iter().filter(|receipt| receipt.changed).count(), 1);
    let other_password = || Registration {
        password: SecretString::from("another password"),
        ..wanted(email)
    };
    let replayed = world.identity.register(ask.clone(), other_password()).await;
    assert!(replayed.expect("answered").replayed);
    let other_request = Ask {
        fingerprint: Some(commands::fingerprint(&[b"second"])),
        ..ask
    };
    let reused = world
        .identity
        .register(other_request, other_password())
        .await;
    assert!(
        matches!(
            reused,
            Err(AccountError::Command(commands::CommandError::Reused))
        ),
        "{reused:?}"
    );
    let password = "correct horse battery";
    assert!(world.sign_in(email, password).await.is_some());
    assert!(world.sign_in(email, "another password").await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_turned_away_leaves_nothing_behind() {
    let world = world().await;
    let vault = Vault::open(&world.log, &[7; 32]).await.expect("a vault");
    let rivals: Vec<_> = (0..200)
        .map(|n| (world.ask(), format!("rival{n}@example.org")))
        .collect();
    let asked = rivals
        .iter()
        .map(|(ask, email)| world.identity.register(ask.clone(), wanted(email)));
    let answers = join_all(asked).await;
    let mut busy = 0;
    for ((ask, _), answer) in rivals.iter().zip(&answers) {
        let key = format!("{}.user.{}.key", ask.tenant, UserId::new(ask.id));
        let kept = vault.get(&key).await.expect("read").is_some();
        assert_eq!(kept, answer.is_ok(), "{answer:?}");
        busy += usize::from(is_busy(answer));
    }
    assert!(busy > 0, "200 at once must be too many");
    let taken = world.ask();
    let email = rivals
        .iter()
        .zip(&answers)
        .find_map(|((_, email), answer)| answer.is_ok().then_some(email.as_str()));
    let refused = world
        .identity
        .register(taken.clone(), wanted(email.expect("one was registered")))
        .await;
    assert!(
        matches!(refused, Err(AccountError::EmailTaken)),
        "{refused:?}"
    );
    let key = format!("{}.user.{}.key", taken.tenant, UserId::new(taken.id));
    assert!(vault.get(&key).await.expect("read").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_process_keeps_for_a_user_is_not_replaced() {
    let world = world().await;
    let vault = Vault::open(&world.log, &[7; 32]).await.expect("a vault");
    let ask = world.ask();
    // Another process is about to make the same user, with another password.
    let prefix = format!("{}.user.{}", ask.tenant, UserId::new(ask.id));
    let (key, password) = (format!("{prefix}.key"), format!("{prefix}.password"));
    vault.create(&key, &[1; 32]).await.expect("kept");
    vault.create(&password, &[1; 48]).await.expect("kept");
    let outcome = world
        .identity
        .register(ask, wanted("ann@example.org"))
        .await;
    assert!(
        matches!(
            outcome,
            Err(AccountError::Command(commands::CommandError::Reused))
        ),
        "{outcome:?}"
    );
    let kept = vault.get(&password).await.expect("read").expect("kept");
    assert_eq!(kept.value, [1; 48]);
    assert!(vault.get(&key).await.expect("read").is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bootstrapping_again_leaves_the_password_as_it_is() {
    let world = world().await;
    let email = "root@example.org";
    let first = bootstrap(&world.commands, &world.identity, wanted(email)).await;
    let other = Registration {
        password: SecretString::from("another password"),
        ..wanted(email)
    };
    let again = bootstrap(&world.commands, &world.identity, other).await;
    assert_eq!(first.expect("done"), again.expect("done"));
    let password = "correct horse battery";
    assert!(world.sign_in(email, password).await.is_some());
    assert!(world.sign_in(email, "another password").await.is_none());
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_traced_says_so_in_the_log() {
    let telemetry = runtime::Telemetry {
        otlp_endpoint: Some("http://127.0.0.1:9".into()),
        ..Default::default()
    };
    let _traces = runtime::init_telemetry("test", &telemetry).expect("telemetry");
    let world = world().await;
    let ask = world.ask();
    let registering = world
        .identity
        .register(ask.clone(), wanted("ann@example.org"));
    let span = tracing::info_span!("request");
    let made = registering.instrument(span).await.expect("done");
    let found = world.log.at(made.position).await.expect("read");
    let Some(event_log::Entry::Commit(commit)) = found else {
        panic!("{found:?}");
    };
    assert!(commit.meta.traceparent.is_some());
}
