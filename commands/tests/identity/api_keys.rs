//! API keys, from their making to their end.
//!
//! Invariant: a key does what its owner may now, on every process, and its secret is nowhere but
//! with whoever was given it.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use commands::{Authentication, CommandError, Credential, Failure, Means, NewApiKey, Principal};
use domain::{
    Name, Timestamp,
    api_key::{ApiKeyRejection, LIFE_MAX_MS, LIFE_MS, Scope},
};

use super::{sessions::HEARD_WITHIN, *};

fn scopes(texts: &[&str]) -> BTreeSet<Scope> {
    let scopes = texts.iter().map(|text| Scope::try_from((*text).to_owned()));
    scopes.map(|scope| scope.expect("a scope")).collect()
}

fn new_key(owner: UserId) -> NewApiKey {
    NewApiKey {
        expires_at: None,
        name: Name::try_new("nightly report").expect("a name"),
        owner,
        scopes: scopes(&["tasks:read", "jobs:write"]),
    }
}

impl World {
    async fn key(&self, owner: UserId) -> (uuid::Uuid, String) {
        let ask = self.ask();
        let id = ask.id;
        let made = self.identity.create_api_key(ask, new_key(owner)).await;
        (id, made.expect("made").1.expose_secret().to_owned())
    }

    async fn revoke(&self, id: uuid::Uuid) -> bool {
        let mut ask = self.ask();
        ask.id = id;
        let revoked = self.identity.revoke_api_key(ask).await;
        revoked.expect("revoked").changed
    }

    async fn change(&self, user: UserId, command: UserCommand) {
        let mut ask = self.ask();
        ask.id = user.uuid();
        let done = self.commands.execute::<User>(ask, command).await;
        done.expect("done");
        let told = self.identity.rights_changed(DEFAULT_TENANT, user).await;
        told.expect("told");
    }
}

async fn known(identity: &Identity, key: &str) -> Option<Principal> {
    identity.authenticate(key).await.expect("looked up")
}

/// Asks until the answer is `wanted`, for as long as any process may take to hear.
async fn until_role(identity: &Identity, key: &str, wanted: Option<Role>) {
    let began = Instant::now();
    while known(identity, key).await.map(|key| key.role) != wanted {
        assert!(began.elapsed() < HEARD_WITHIN, "not {wanted:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_speaks_for_its_owner_within_its_scopes_until_it_expires() {
    let world = world().await;
    let user = world.registered("ann@example.org").await;
    let (id, key) = world.key(user).await;
    let now = world.clock.now();
    let principal = known(&world.identity, &key).await.expect("known");
    let expected = Principal {
        acting: false,
        authenticated: Authentication {
            at: Timestamp::from_unix_ms(0),
            by: Means::ApiKey,
        },
        began: now,
        credential: Credential::ApiKey(Arc::new(scopes(&["tasks:read", "jobs:write"]))),
        expires_at: now.plus_ms(LIFE_MS),
        platform: false,
        role: Role::Operator,
        session: id,
        tenant: DEFAULT_TENANT,
        user,
    };
    assert_eq!(principal, expected);
    let fresh = world.other(&world.clock).await;
    world.clock.set(now.plus_ms(LIFE_MS - 1));
    assert!(known(&world.identity, &key).await.is_some());
    assert!(known(&fresh, &key).await.is_some());
    world.clock.set(now.plus_ms(LIFE_MS));
    assert!(known(&world.identity, &key).await.is_none(), "expired");
    assert!(known(&fresh, &key).await.is_none(), "expired");
    let unmet = world.other(&world.clock).await;
    assert!(known(&unmet, &key).await.is_none(), "expired");

    let now = world.clock.now();
    for (life_ms, taken) in [(LIFE_MAX_MS, true), (LIFE_MAX_MS + 1, false), (0, false)] {
        let lasting = NewApiKey {
            expires_at: Some(now.plus_ms(life_ms)),
            ..new_key(user)
        };
        let made = world.identity.create_api_key(world.ask(), lasting).await;
        match made {
            Ok(_) => assert!(taken, "{life_ms}"),
            Err(CommandError::Rejected(
                ApiKeyRejection::Expiry | ApiKeyRejection::TooLong { .. },
            )) => assert!(!taken, "{life_ms}"),
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_is_given_the_same_key_and_makes_no_other() {
    let world = world().await;
    let user = world.registered("ann@example.org").await;
    let ask = Ask {
        fingerprint: Some(commands::fingerprint(&[b"first"])),
        ..world.ask()
    };
    let other = world.other(&world.clock).await;
    let processes = [&world.identity, &other];
    let tries = (0..8).map(|n| processes[n % 2].create_api_key(ask.clone(), new_key(user)));
    let made = join_all(tries).await;
    let made: Vec<_> = made.into_iter().map(|made| made.expect("made")).collect();
    let changed = made.iter().filter(|(receipt, _)| receipt.changed).count();
    assert_eq!(changed, 1);
    let key = made[0].1.expose_secret();
    assert!(made.iter().all(|(_, other)| other.expose_secret() == key));
    assert!(made.iter().all(|(one, _)| one.state == made[0].0.state));
    assert!(known(&world.identity, key).await.is_some());

    // Days later the answer is still that of the first try, its expiry included.
    world.clock.set(world.clock.now().plus_ms(86_400_000));
    let again = other.create_api_key(ask.clone(), new_key(user)).await;
    let (receipt, again) = again.expect("made");
    assert!(receipt.replayed && again.expose_secret() == key);
    assert_eq!(receipt.state, made[0].0.state);
    let reused = Ask {
        fingerprint: Some(commands::fingerprint(&[b"second"])),
        ..ask.clone()
    };
    let reused = world.identity.create_api_key(reused, new_key(user)).await;
    assert!(matches!(reused, Err(CommandError::Reused)));

    // A retry brings nothing back to life.
    assert!(world.revoke(ask.id).await);
    let after = world.identity.create_api_key(ask, new_key(user)).await;
    assert_eq!(after.expect("replayed").1.expose_secret(), key);
    assert!(known(&world.identity, key).await.is_none());
    assert!(known(&world.other(&world.clock).await, key).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_refused_everywhere_within_two_seconds() {
    let world = world().await;
    let user = world.registered("ann@example.org").await;
    let other = world.other(&world.clock).await;
    let (id, key) = world.key(user).await;
    let (_, kept) = world.key(user).await;
    let there = known(&other, &key).await.expect("known");
    let waiting = {
        let (other, there) = (other.clone(), there.clone());
        tokio::spawn(async move { other.ended(&there).await })
    };
    assert!(known(&world.identity, &key).await.is_some());
    assert!(world.revoke(id).await);
    assert!(known(&world.identity, &key).await.is_none());
    until_role(&other, &key, None).await;
    let woken = tokio::time::timeout(HEARD_WITHIN, waiting).await;
    woken.expect("streams end").expect("no panic");
    assert!(
        known(&world.other(&world.clock).await, &key)
            .await
            .is_none()
    );
    assert!(!world.revoke(id).await, "revoked already");
    assert!(known(&other, &kept).await.is_some());
    let name = format!("api_key.{id}");
    assert!(
        world
            .vault()
            .await
            .get(&name)
            .await
            .expect("read")
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_shrinks_with_its_owner_and_goes_on_when_they_sign_out() {
    let world = world().await;
    let user = world.registered("ann@example.org").await;
    let other = world.other(&world.clock).await;
    let (_, key) = world.key(user).await;
    let (_, unmet) = world.key(user).await;
    assert!(known(&other, &key).await.is_some());
    for (command, now) in [
        (
            UserCommand::Update {
                name: None,
                role: Some(Role::Viewer),
            },
            Some(Role::Viewer),
        ),
        (UserCommand::Disable, None),
        (UserCommand::Enable, Some(Role::Viewer)),
    ] {
        world.change(user, command).await;
        until_role(&other, &key, now).await;
        until_role(&world.identity, &key, now).await;
    }
    // A key that is met for the first time is asked of the log.
    assert_eq!(
        known(&other, &unmet).await.map(|key| key.role),
        Some(Role::Viewer)
    );
    let tokens = world.start(user).await;
    let all = world.identity.end_sessions(DEFAULT_TENANT, user, None);
    all.await.expect("ended");
    assert!(
        world
            .identity
            .verify(tokens.access.expose_secret())
            .is_none()
    );
    assert!(known(&world.identity, &key).await.is_some());

    let mut ask = world.ask();
    ask.id = user.uuid();
    let before = known(&other, &key).await.expect("known");
    world.identity.erase(ask).await.expect("erased");
    assert!(known(&world.identity, &key).await.is_none());
    until_role(&other, &key, None).await;
    other.ended(&before).await;
    assert!(
        known(&world.other(&world.clock).await, &key)
            .await
            .is_none()
    );
}

/// Who changed them died before telling anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_met_for_the_first_time_has_its_owners_role_by_the_log() {
    let world = world().await;
    let user = world.registered("ann@example.org").await;
    let (_, key) = world.key(user).await;
    for (command, now) in [
        (
            UserCommand::Update {
                name: None,
                role: Some(Role::Viewer),
            },
            Some(Role::Viewer),
        ),
        (UserCommand::Disable, None),
    ] {
        let mut ask = world.ask();
        ask.id = user.uuid();
        let done = world.commands.execute::<User>(ask, command).await;
        done.expect("done");
        let met = known(&world.other(&world.clock).await, &key).await;
        assert_eq!(met.map(|key| key.role), now);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_never_given_out_is_refused_without_asking_anybody() {
    let mut world = world().await;
    let user = world.registered("ann@example.org").await;
    let (_, key) = world.key(user).await;
    let (_, other) = world.key(user).await;
    let tokens = world.start(user).await;
    let mut forged = vec![
        key.replacen("alm_", "xlm_", 1),
        key[..key.len() - 1].to_owned(),
        key.to_lowercase(),
        format!("alm_{}", tokens.access.expose_secret()),
        format!("alm_{}", tokens.refresh.expose_secret()),
        "alm_".to_owned(),
    ];
    // Copied whole, as far as anybody can tell, but with another secret.
    let parts: Vec<_> = key.split('_').collect();
    let of_other = other.split('_').nth(2).expect("a secret");
    for secret in ["0".repeat(44).as_str(), of_other] {
        let body = format!("alm_{}_{secret}", parts[1]);
        forged.push(with_checksum(&body));
    }
    assert!(known(&world.identity, &key).await.is_some());
    assert_eq!(with_checksum(key.rsplit_once('_').expect("parts").0), key);
    // Whoever has to ask gets no answer from here on, in time.
    world.server.kill();
    for forged in &forged {
        let began = Instant::now();
        assert!(known(&world.identity, forged).await.is_none(), "{forged}");
        assert!(began.elapsed() < Duration::from_millis(500), "{forged}");
    }
    assert!(known(&world.identity, &key).await.is_some(), "remembered");
    for token in [&key, &key.to_uppercase()] {
        assert!(world.identity.verify(token).is_none(), "no access token");
    }
    world.server.restart().expect("starts again");
    let refreshed = world.identity.refresh(&key, None).await;
    assert!(refreshed.expect("asked").is_none(), "no refresh token");
}

/// What the server is asked for is not known while it is away, and that is said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_cannot_be_looked_up_is_not_refused_but_unknown() {
    let mut world = world().await;
    let user = world.registered("ann@example.org").await;
    let (_, key) = world.key(user).await;
    world.server.kill();
    let outcome = world.identity.authenticate(&key).await;
    assert!(
        matches!(outcome, Err(Failure::Unavailable(_))),
        "{outcome:?}"
    );
    world.server.restart().expect("starts again");
    let began = Instant::now();
    while world
        .identity
        .authenticate(&key)
        .await
        .ok()
        .flatten()
        .is_none()
    {
        assert!(began.elapsed() < Duration::from_secs(30), "no recovery");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_log_nor_vault_hold_a_key() {
    let world = world().await;
    let user = world.registered("ann@example.org").await;
    let (id, key) = world.key(user).await;
    known(&world.identity, &key).await.expect("known");
    let secret = key.split('_').nth(2).expect("a secret");
    let head = world.log.head().await.expect("a head").position;
    let mut texts = Vec::new();
    for position in 1..=head.0 {
        let entry = world.log.at(Position(position)).await.expect("read");
        let Some(event_log::Entry::Commit(commit)) = entry else {
            panic!("{entry:?}");
        };
        let payload = String::from_utf8(commit.payload.clone()).expect("JSON");
        texts.push(format!("{payload} {commit:?}"));
    }
    let prefix = &key[..26];
    assert!(texts.iter().any(|text| text.contains(prefix)));
    assert!(texts.iter().all(|text| !text.contains("nightly report")));
    let kept = world.vault().await.get(&format!("api_key.{id}")).await;
    let kept = String::from_utf8(kept.expect("read").expect("kept").value);
    texts.push(kept.expect("JSON"));
    for text in texts {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_use_is_written_once_a_minute() {
    let world = world().await;
    let user = world.registered("ann@example.org").await;
    let (id, key) = world.key(user).await;
    let last_used = async || world.identity.api_key_last_used(id).await.expect("read");
    assert_eq!(last_used().await, None);
    let vault = world.vault().await;
    let name = format!("api_key_used.{id}");
    let revision = async || {
        let kept = vault.get(&name).await.expect("read");
        kept.map(|kept| kept.revision)
    };
    let minute = world.clock.now();
    assert_eq!(minute.unix_ms() % 60_000, 0);
    let mut before = None;
    for minutes in 0..3 {
        let now = minute.plus_ms(minutes * 60_000);
        for second in [1, 2, 59] {
            world.clock.set(now.plus_ms(second * 1_000));
            known(&world.identity, &key).await.expect("known");
        }
        let began = Instant::now();
        while last_used().await != Some(now) {
            assert!(began.elapsed() < HEARD_WITHIN, "not noted");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let written = revision().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(revision().await, written, "written twice");
        // One write after the other: nothing else was written between them.
        if let (Some(before), Some(written)) = (before, written) {
            assert_eq!(written, before + 1);
        }
        before = written;
    }
}

/// The promise is well under 100 µs for each request; this leaves the test a slow machine's room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn knowing_a_key_again_takes_no_time() {
    let world = world().await;
    let user = world.registered("ann@example.org").await;
    let (_, key) = world.key(user).await;
    known(&world.identity, &key).await.expect("known");
    let began = Instant::now();
    for _ in 0..2_000 {
        known(&world.identity, &key).await.expect("known");
    }
    let each = began.elapsed() / 2_000;
    assert!(each < Duration::from_micros(100), "{each:?}");
}

fn with_checksum(body: &str) -> String {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut left = crc32(body.as_bytes());
    let mut digits = [0; 6].map(|_: u8| '0');
    for digit in digits.iter_mut().rev() {
        *digit = char::from(ALPHABET[(left % 62) as usize]);
        left /= 62;
    }
    format!("{body}_{}", digits.iter().collect::<String>())
}

/// CRC-32 as ISO-HDLC has it, bit by bit: whoever scans for keys may write it anew.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            let carry = if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
            (crc >> 1) ^ carry
        })
    })
}
