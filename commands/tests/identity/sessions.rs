//! Sign-ins that are used by many at once, end early, or are watched by other processes.
//!
//! Invariant: what has ended is refused within two seconds by whoever is asked.

use std::time::{Duration, Instant};

use commands::{Principal, Refreshed, SignIn, Tokens};

use super::*;

/// How soon every process must have heard.
pub const HEARD_WITHIN: Duration = Duration::from_secs(2);
/// Longer than a process may go on without news, or needs to have them again.
const LONG: Duration = Duration::from_secs(30);
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

async fn until(limit: Duration, what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < limit, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl World {
    /// Another process of the same installation, whose clock is another.
    pub async fn other(&self, clock: &Clock) -> Identity {
        let ids = Ids::new(clock.clone());
        let commands = Commands::new(Arc::new(self.log.clone()), clock.clone(), ids);
        let opened = Identity::open(commands, self.vault().await).await;
        opened.expect("an identity")
    }

    pub async fn vault(&self) -> Vault {
        Vault::open(&self.log, &[7; 32]).await.expect("a vault")
    }

    pub async fn registered(&self, email: &str) -> UserId {
        let ask = self.ask();
        let user = UserId::new(ask.id);
        let made = self.identity.register(ask, wanted(email)).await;
        made.expect("registered");
        user
    }

    pub async fn start(&self, user: UserId) -> Tokens {
        let (identity, role) = (&self.identity, Role::Operator);
        let started = identity.start_session(DEFAULT_TENANT, user, role).await;
        started.expect("a session")
    }

    pub async fn refresh(&self, token: &SecretString) -> Option<Refreshed> {
        let token = token.expose_secret();
        self.identity.refresh(token, None).await.expect("asked")
    }

    async fn shown(&self, user: UserId) -> Vec<SignIn> {
        let shown = self.identity.sign_ins(DEFAULT_TENANT, user).await;
        shown.expect("asked")
    }
}

fn verified(identity: &Identity, tokens: &Tokens) -> Option<Principal> {
    identity.verify(tokens.access.expose_secret())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_parallel_refreshes_one_descendant_lives() {
    let world = world().await;
    let user = world.registered("ann@example.org").await;
    let other = world.other(&world.clock).await;
    for round in 0..8 {
        let first = world.start(user).await;
        let processes = [&world.identity, &other];
        let tries = (0..32).map(|n| processes[n % 2].refresh(first.refresh.expose_secret(), None));
        let given: Vec<_> = join_all(tries)
            .await
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        assert!(!given.is_empty(), "round {round}: nobody may go on");
        let mut living: Vec<_> = given
            .iter()
            .map(|given| given.tokens.refresh.expose_secret().to_owned())
            .collect();
        living.sort_unstable();
        living.dedup();
        assert_eq!(living.len(), 1, "round {round}: {} live", living.len());
        world
            .refresh(&living.remove(0).into())
            .await
            .expect("it lives");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_lost_is_given_again_to_the_same_client() {
    let world = world().await;
    let user = world.registered("ann@example.org").await;
    let (identity, tenant) = (&world.identity, DEFAULT_TENANT);
    let browser = Some("a browser");
    let first = identity.start_session_of(tenant, user, Role::Operator, browser);
    let first = first.await.expect("a session").refresh;
    let exchange = async |client| {
        let exchanged = identity.refresh(first.expose_secret(), client).await;
        exchanged.expect("asked").map(|given| given.tokens.refresh)
    };
    let lost = exchange(browser).await.expect("exchanged");
    world.clock.set(world.clock.now().plus_ms(9_000));
    let again = exchange(browser).await.expect("exchanged");
    assert_eq!(lost.expose_secret(), again.expose_secret());
    assert!(exchange(Some("another")).await.is_none(), "stolen");
    assert!(exchange(browser).await.is_none(), "the family has ended");
    assert!(
        world.refresh(&again).await.is_none(),
        "the family has ended"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reuse_ends_access_tokens_as_well() {
    let world = world().await;
    let user = world.registered("ann@example.org").await;
    let other = world.other(&world.clock).await;
    let first = world.start(user).await;
    let second = world.refresh(&first.refresh).await.expect("exchanged");
    world.clock.set(world.clock.now().plus_ms(11_000));
    assert!(verified(&other, &second.tokens).is_some());
    assert!(world.refresh(&first.refresh).await.is_none());
    let refused = |identity: &Identity| verified(identity, &second.tokens).is_none();
    assert!(refused(&world.identity));
    until(HEARD_WITHIN, "not heard", || refused(&other)).await;
    assert!(world.shown(user).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_has_lapsed_leaves_the_vault() {
    let world = world().await;
    let user = world.registered("ann@example.org").await;
    let first = world.start(user).await;
    let [sign_in] = &world.shown(user).await[..] else {
        panic!("one sign-in");
    };
    let name = format!("{DEFAULT_TENANT}.user.{user}.session.{}", sign_in.id);
    let vault = world.vault().await;
    assert!(vault.get(&name).await.expect("read").is_some());
    world.clock.set(world.clock.now().plus_ms(7 * DAY_MS));
    assert!(world.shown(user).await.is_empty());
    assert!(world.refresh(&first.refresh).await.is_none());
    assert!(vault.get(&name).await.expect("read").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sign_in_ends_and_the_others_go_on() {
    let world = world().await;
    let user = world.registered("ann@example.org").await;
    let stranger = world.registered("bob@example.org").await;
    let other = world.other(&world.clock).await;
    let (kept, ended) = (world.start(user).await, world.start(user).await);
    let id = verified(&other, &ended).expect("valid").session;
    let end = async |user| world.identity.end_sign_in(DEFAULT_TENANT, user, id).await;
    assert!(!end(stranger).await.expect("asked"), "not theirs to end");
    assert!(verified(&world.identity, &ended).is_some());
    assert!(end(user).await.expect("asked"));
    assert!(!end(user).await.expect("asked"), "it has ended");
    assert!(verified(&world.identity, &ended).is_none());
    until(HEARD_WITHIN, "not heard", || {
        verified(&other, &ended).is_none()
    })
    .await;
    assert!(verified(&other, &kept).is_some());
    assert!(world.refresh(&ended.refresh).await.is_none());
    assert!(world.refresh(&kept.refresh).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_sign_ins_but_one_end_everywhere_and_new_ones_begin() {
    let world = world().await;
    let user = world.registered("ann@example.org").await;
    let stranger = world.registered("bob@example.org").await;
    let behind = Clock::manual(world.clock.now().plus_ms(-1_000));
    let other = world.other(&behind).await;
    let (kept, ended) = (world.start(user).await, world.start(user).await);
    let bystander = world.start(stranger).await;
    let except = verified(&world.identity, &kept).map(|kept| kept.session);
    let waiting = verified(&other, &ended).expect("valid");
    let there = other.clone();
    let waiting = tokio::spawn(async move { there.ended(&waiting).await });
    let end = world.identity.end_sessions(DEFAULT_TENANT, user, except);
    end.await.expect("ended");
    assert!(verified(&world.identity, &ended).is_none());
    until(HEARD_WITHIN, "not heard", || {
        verified(&other, &ended).is_none()
    })
    .await;
    let woken = tokio::time::timeout(HEARD_WITHIN, waiting).await;
    woken
        .expect("who waits for the end is told")
        .expect("no panic");
    for tokens in [&kept, &bystander] {
        assert!(verified(&world.identity, tokens).is_some());
        assert!(verified(&other, tokens).is_some());
    }
    assert!(world.refresh(&ended.refresh).await.is_none());
    let shown = world.shown(user).await;
    assert_eq!(
        shown.iter().map(|one| Some(one.id)).collect::<Vec<_>>(),
        [except]
    );
    // By a clock that is behind, this is before the others ended.
    let fresh = other
        .start_session(DEFAULT_TENANT, user, Role::Operator)
        .await;
    let fresh = fresh.expect("a session");
    assert!(verified(&other, &fresh).is_some());
    assert!(verified(&world.identity, &fresh).is_some());
    let next = other.refresh(fresh.refresh.expose_secret(), None).await;
    assert!(next.expect("asked").is_some());
    assert!(world.refresh(&kept.refresh).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_starts_later_knows_what_has_ended() {
    let world = world().await;
    let user = world.registered("ann@example.org").await;
    let (one, two) = (world.start(user).await, world.start(user).await);
    let out = world.identity.end_session(one.refresh.expose_secret());
    out.await.expect("ended");
    let started = world.other(&world.clock).await;
    assert!(verified(&started, &one).is_none());
    assert!(verified(&started, &two).is_some());
    let all = world.identity.end_sessions(DEFAULT_TENANT, user, None);
    all.await.expect("ended");
    assert!(verified(&world.other(&world.clock).await, &two).is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_was_changed_is_obeyed_by_tokens_given_before() {
    let world = world().await;
    let user = world.registered("ann@example.org").await;
    let other = world.other(&world.clock).await;
    let tokens = world.start(user).await;
    let role = |identity: &Identity| verified(identity, &tokens).map(|who| who.role);
    let change = async |command| {
        let mut ask = world.ask();
        ask.id = user.uuid();
        world
            .commands
            .execute::<User>(ask, command)
            .await
            .expect("done");
        let told = world.identity.rights_changed(DEFAULT_TENANT, user).await;
        told.expect("told");
    };
    for (command, now) in [
        (
            UserCommand::Update {
                name: None,
                role: Some(Role::Viewer),
            },
            Some(Role::Viewer),
        ),
        (
            UserCommand::Update {
                name: None,
                role: Some(Role::Admin),
            },
            Some(Role::Admin),
        ),
        (UserCommand::Disable, None),
        (UserCommand::Enable, Some(Role::Admin)),
    ] {
        change(command).await;
        assert_eq!(role(&world.identity), now);
        until(HEARD_WITHIN, "not heard", || role(&other) == now).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_rotate_without_a_restart() {
    let world = world().await;
    let user = UserId::new(world.commands.ids().next());
    let other = world.other(&world.clock).await;
    let before = world.start(user).await;
    let keys = |identity: &Identity| {
        let keys = identity.public_keys()["keys"].clone();
        keys.as_array().expect("keys").len()
    };
    assert_eq!((keys(&world.identity), keys(&other)), (1, 1));
    let rotations = join_all([&world.identity, &other].map(Identity::rotate_keys)).await;
    let signs_from = rotations[0].clone().expect("rotated");
    assert_eq!(
        rotations[1].clone().expect("rotated"),
        signs_from,
        "one key"
    );
    until(HEARD_WITHIN, "not published", || {
        (keys(&world.identity), keys(&other)) == (2, 2)
    })
    .await;
    world.clock.set(signs_from);
    let after = world.start(user).await;
    let kid = |tokens: &Tokens| {
        let header = tokens.access.expose_secret().split('.').next();
        header.expect("a header").to_owned()
    };
    assert_ne!(kid(&before), kid(&after), "the next key signs");
    for tokens in [&before, &after] {
        assert!(verified(&other, tokens).is_some());
    }
    world.clock.set(signs_from.plus_ms(11 * MINUTE_MS));
    assert_eq!(keys(&other), 1, "the first is retired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_follows_by_itself_within_ninety_days() {
    let world = world().await;
    let other = world.other(&world.clock).await;
    world
        .clock
        .set(world.clock.now().plus_ms(90 * DAY_MS - 10 * MINUTE_MS));
    until(HEARD_WITHIN, "no key follows", || {
        let keys = other.public_keys()["keys"].clone();
        keys.as_array().expect("keys").len() == 2
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_hears_nothing_admits_nobody() {
    let mut world = world().await;
    let user = UserId::new(world.commands.ids().next());
    let tokens = world.start(user).await;
    let principal = verified(&world.identity, &tokens).expect("valid");
    let identity = world.identity.clone();
    let waiting = async move { identity.ended(&principal).await };
    let waiting = tokio::spawn(waiting);
    world.server.kill();
    assert!(verified(&world.identity, &tokens).is_some(), "too hasty");
    until(LONG, "still relied on", || !world.identity.is_current()).await;
    assert!(verified(&world.identity, &tokens).is_none());
    let told = tokio::time::timeout(HEARD_WITHIN * 2, waiting).await;
    told.expect("live connections end as well")
        .expect("no panic");
    world.server.restart().expect("starts again");
    until(LONG, "no recovery", || {
        verified(&world.identity, &tokens).is_some()
    })
    .await;
}
