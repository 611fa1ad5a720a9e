//! Second factors, the challenge before them, and what takes them away.
//!
//! Invariant: nothing that was used up works again, whichever process is asked.

use commands::{Answered, Enrolled, PasswordChange, SecondFactor};
use domain::user::UserRejection;

use super::*;
use crate::authenticator::Authenticator;

const EMAIL: &str = "ann@example.org";
const PASSWORD: &str = "correct horse battery";
const STEP_MS: i64 = 30_000;

/// Somebody with a second factor.
struct Person {
    authenticator: Authenticator,
    recovery_codes: Vec<SecretString>,
    user: UserId,
}

/// What an answer came to, in a word.
fn word(answered: &Answered) -> &'static str {
    match answered {
        Answered::Ended => "ended",
        Answered::Paused { .. } => "paused",
        Answered::Right(_) => "right",
        Answered::Wrong => "wrong",
    }
}

fn code(text: &str) -> SecondFactor {
    SecondFactor::Code(text.into())
}

fn rejection<T>(outcome: Result<T, AccountError>) -> UserRejection {
    match outcome {
        Err(AccountError::Command(commands::CommandError::Rejected(reason))) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted"),
    }
}

impl World {
    fn of(&self, user: UserId) -> Ask {
        let command = CommandId::new(self.commands.ids().next());
        Ask::new(Actor::User(user), DEFAULT_TENANT, user.uuid(), command)
    }

    fn pass(&self, ms: i64) {
        self.clock.set(self.clock.now().plus_ms(ms));
    }

    async fn confirm(&self, user: UserId, text: &str) -> Result<Enrolled, AccountError> {
        let (ask, code) = (self.of(user), SecretString::from(text));
        let session = self.commands.ids().next();
        self.identity.confirm_totp(ask, code, session).await
    }

    /// Somebody who turned on a second factor a step ago.
    async fn with_mfa(&self) -> Person {
        let user = self.registered(EMAIL).await;
        let begun = self.identity.begin_totp(DEFAULT_TENANT, user).await;
        let authenticator = Authenticator::of(begun.expect("begun").secret.expose_secret());
        let shown = authenticator.shows(self.clock.now());
        let enrolled = self.confirm(user, &shown).await.expect("enrolled");
        self.pass(STEP_MS);
        Person {
            authenticator,
            recovery_codes: enrolled.recovery_codes,
            user,
        }
    }

    /// A challenge for who signs in with the password.
    async fn challenge(&self) -> String {
        let (identity, password) = (&self.identity, SecretString::from(PASSWORD));
        let known = identity.sign_in(DEFAULT_TENANT, EMAIL, password).await;
        let (user, current) = known.expect("asked").expect("the password is right");
        let challenge = identity.challenge(DEFAULT_TENANT, user, &current.state);
        let challenge = challenge.await.expect("asked").expect("a second factor");
        challenge.expose_secret().to_owned()
    }

    async fn answer(&self, challenge: &str, shown: &SecondFactor) -> &'static str {
        let answered = self.identity.answer_challenge(challenge, shown).await;
        word(&answered.expect("asked"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_factor_counts_from_its_first_code_on() {
    let world = world().await;
    let (identity, tenant) = (&world.identity, DEFAULT_TENANT);
    let user = world.registered(EMAIL).await;
    let outcome = world.confirm(user, "000000").await;
    assert!(matches!(outcome, Err(AccountError::NoEnrolment)));
    let renewed = identity.renew_recovery_codes(tenant, user).await;
    assert!(matches!(renewed, Err(AccountError::NoMfa)));
    let begun = identity.begin_totp(tenant, user).await.expect("begun");
    assert_eq!(begun.secret.expose_secret().len(), 32, "160 bits");
    let uri = begun.uri.expose_secret();
    assert!(uri.starts_with("otpauth://totp/Almanac:ann%40example.org?secret="));
    let state = identity.mfa_state(tenant, user).await.expect("asked");
    assert!(!state.enabled, "not before a code was shown");
    let earlier = world.start(user).await;
    let authenticator = Authenticator::of(begun.secret.expose_secret());
    let late = authenticator.shows(world.clock.now().plus_ms(-2 * STEP_MS));
    let outcome = world.confirm(user, &late).await;
    assert!(matches!(outcome, Err(AccountError::WrongCode)));
    let (ask, shown) = (world.of(user), authenticator.shows(world.clock.now()));
    let session = world.commands.ids().next();
    let confirm = || identity.confirm_totp(ask.clone(), shown.as_str().into(), session);
    let first = confirm().await.expect("enrolled");
    assert_eq!(first.recovery_codes.len(), 10);
    assert!(identity.verify(earlier.access.expose_secret()).is_none());
    let state = identity.mfa_state(tenant, user).await.expect("asked");
    assert!(state.enabled && state.recovery_codes_left == 10);
    // An answer that was lost: the codes in it are nobody's.
    let again = confirm().await.expect("enrolled");
    assert!(again.receipt.replayed && again.receipt.version == first.receipt.version);
    let challenge = world.challenge().await;
    let lost = SecondFactor::RecoveryCode(first.recovery_codes[0].clone());
    assert_eq!(world.answer(&challenge, &lost).await, "wrong");
    let found = SecondFactor::RecoveryCode(again.recovery_codes[0].clone());
    assert_eq!(world.answer(&challenge, &found).await, "right");
    let outcome = identity.begin_totp(tenant, user).await;
    assert_eq!(rejection(outcome), UserRejection::MfaEnabled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_accepted_once_by_all_processes_together() {
    let world = world().await;
    let person = world.with_mfa().await;
    let used = person
        .authenticator
        .shows(world.clock.now().plus_ms(-STEP_MS));
    let challenge = world.challenge().await;
    assert_eq!(world.answer(&challenge, &code(&used)).await, "wrong");
    let other = world.other(&world.clock).await;
    let processes = [&world.identity, &other];
    for round in 0..4 {
        let shown = code(&person.authenticator.shows(world.clock.now()));
        let mut challenges = Vec::new();
        for _ in 0..8 {
            challenges.push(world.challenge().await);
        }
        let rivals = challenges.iter().enumerate();
        let rivals = rivals.map(|(n, one)| processes[n % 2].answer_challenge(one, &shown));
        let outcomes = join_all(rivals).await;
        let words = outcomes.into_iter().map(|one| word(&one.expect("asked")));
        let right = words.filter(|word| *word == "right").count();
        assert_eq!(right, 1, "round {round}");
        world.pass(STEP_MS);
        // A right code forgets the wrong ones before.
        let shown = code(&person.authenticator.shows(world.clock.now()));
        let challenge = world.challenge().await;
        assert_eq!(world.answer(&challenge, &shown).await, "right");
        world.pass(STEP_MS);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_code_works_once_however_it_is_typed() {
    let world = world().await;
    let person = world.with_mfa().await;
    let typed = person.recovery_codes[3].expose_secret();
    let typed = typed.to_uppercase().replace('-', " ");
    let shown = SecondFactor::RecoveryCode(typed.into());
    let other = world.other(&world.clock).await;
    let (first, second) = (world.challenge().await, world.challenge().await);
    let both = join_all([
        world.identity.answer_challenge(&first, &shown),
        other.answer_challenge(&second, &shown),
    ]);
    let mut words: Vec<_> = both
        .await
        .into_iter()
        .map(|one| word(&one.expect("asked")))
        .collect();
    words.sort_unstable();
    assert_eq!(words, ["right", "wrong"]);
    let state = world.identity.mfa_state(DEFAULT_TENANT, person.user).await;
    assert_eq!(state.expect("asked").recovery_codes_left, 9);
    let renewed = (world.identity)
        .renew_recovery_codes(DEFAULT_TENANT, person.user)
        .await;
    assert_eq!(renewed.expect("renewed").len(), 10);
    let before = SecondFactor::RecoveryCode(person.recovery_codes[4].clone());
    let challenge = world.challenge().await;
    assert_eq!(world.answer(&challenge, &before).await, "wrong");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenge_lasts_five_tries_five_minutes_and_one_sign_in() {
    let world = world().await;
    let person = world.with_mfa().await;
    let right = || code(&person.authenticator.shows(world.clock.now()));
    let other = world.other(&world.clock).await;
    let challenge = world.challenge().await;
    let wrong = code("0");
    let processes = [&world.identity, &other];
    let tries = (0..12).map(|n| processes[n % 2].answer_challenge(&challenge, &wrong));
    let outcomes = join_all(tries).await;
    let looked_at = outcomes.into_iter().map(|one| word(&one.expect("asked")));
    let looked_at = looked_at.filter(|word| *word == "wrong").count();
    assert_eq!(looked_at, 5, "also if they come at the same moment");
    assert_eq!(world.answer(&challenge, &right()).await, "ended");

    let late = world.challenge().await;
    world.pass(5 * 60_000);
    assert_eq!(world.answer(&late, &right()).await, "ended");

    let challenge = world.challenge().await;
    assert_eq!(world.answer(&challenge, &right()).await, "right");
    world.pass(STEP_MS);
    assert_eq!(world.answer(&challenge, &right()).await, "ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_how_somebody_signs_in_ends_a_challenge() {
    let world = world().await;
    let person = world.with_mfa().await;
    let right = || code(&person.authenticator.shows(world.clock.now()));
    let (identity, user) = (&world.identity, person.user);

    let challenge = world.challenge().await;
    identity.disable(world.of(user)).await.expect("disabled");
    assert_eq!(world.answer(&challenge, &right()).await, "ended");
    identity.enable(world.of(user)).await.expect("enabled");

    let challenge = world.challenge().await;
    let change = PasswordChange {
        session: None,
        current: None,
        new: PASSWORD.into(),
    };
    let changed = identity.change_password(world.of(user), change).await;
    changed.expect("changed");
    assert_eq!(world.answer(&challenge, &right()).await, "ended");

    let challenge = world.challenge().await;
    let session = world.start(user).await;
    // A sign-in made in the moment of an end begins after it.
    world.pass(10);
    let disabled = identity.disable_mfa(world.of(user), None).await;
    assert!(disabled.expect("disabled").changed);
    assert_eq!(world.answer(&challenge, &right()).await, "ended");
    assert!(identity.verify(session.access.expose_secret()).is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenge_is_nothing_else_and_nothing_else_is_one() {
    let world = world().await;
    let person = world.with_mfa().await;
    let challenge = world.challenge().await;
    assert!(world.identity.verify(&challenge).is_none());
    assert!(world.refresh(&challenge.as_str().into()).await.is_none());
    let tokens = world.start(person.user).await;
    let shown = code(&person.authenticator.shows(world.clock.now()));
    for token in [&tokens.access, &tokens.refresh] {
        let token = token.expose_secret();
        assert!(world.identity.challenged(token).is_none());
        assert_eq!(world.answer(token, &shown).await, "ended");
    }
    // Of each letter but the last all bits count.
    let mut altered = challenge.clone().into_bytes();
    for at in 0..altered.len() - 1 {
        let kept = altered[at];
        altered[at] = if kept == b'A' { b'B' } else { b'A' };
        let text = std::str::from_utf8(&altered).expect("text");
        assert!(world.identity.challenged(text).is_none(), "letter {at}");
        altered[at] = kept;
    }
    assert_eq!(world.answer(&challenge, &shown).await, "right");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_codes_cost_pauses_everywhere_but_recovery_codes_get_through() {
    let world = world().await;
    let person = world.with_mfa().await;
    let mut challenge = world.challenge().await;
    for n in 0..10 {
        if n % 5 == 0 {
            challenge = world.challenge().await;
        }
        assert_eq!(world.answer(&challenge, &code("0")).await, "wrong", "{n}");
    }
    let right = || code(&person.authenticator.shows(world.clock.now()));
    let other = world.other(&world.clock).await;
    let challenge = world.challenge().await;
    let paused = other.answer_challenge(&challenge, &right()).await;
    assert!(matches!(paused, Ok(Answered::Paused { seconds: 1 })));
    let recovery = SecondFactor::RecoveryCode(person.recovery_codes[0].clone());
    assert_eq!(world.answer(&challenge, &recovery).await, "right");
    let challenge = world.challenge().await;
    assert_eq!(world.answer(&challenge, &right()).await, "right");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_retry_of_turning_it_off_leaves_the_next_factor() {
    let world = world().await;
    let person = world.with_mfa().await;
    let (identity, user) = (&world.identity, person.user);
    let off = world.of(user);
    let disable = || identity.disable_mfa(off.clone(), None);
    assert!(disable().await.expect("disabled").changed);
    let begun = identity.begin_totp(DEFAULT_TENANT, user).await;
    let authenticator = Authenticator::of(begun.expect("begun").secret.expose_secret());
    let shown = authenticator.shows(world.clock.now());
    world.confirm(user, &shown).await.expect("enrolled");
    assert!(disable().await.expect("known").replayed);
    world.pass(STEP_MS);
    let shown = code(&authenticator.shows(world.clock.now()));
    let challenge = world.challenge().await;
    assert_eq!(world.answer(&challenge, &shown).await, "right");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_erased_leaves_no_second_factor() {
    let world = world().await;
    let person = world.with_mfa().await;
    let challenge = world.challenge().await;
    let (vault, user) = (world.vault().await, person.user);
    let left = async || {
        let (pattern, mut after) = (format!("{DEFAULT_TENANT}.user.{user}.>"), 0);
        let mut left = Vec::new();
        while let Some(change) = vault.next(&pattern, after).await.expect("asked") {
            after = change.revision;
            let name = change.name.rsplit_once(&format!("{user}."));
            let kind = name.and_then(|(_, rest)| rest.split('.').next());
            if change.value.is_some() {
                left.push(kind.expect("a kind").to_owned());
            }
        }
        left.sort_unstable();
        left
    };
    let before = left().await;
    assert_eq!(before, ["challenge", "cutoff", "key", "password", "totp"]);
    let erased = world.identity.erase(world.of(user)).await.expect("erased");
    assert_eq!(erased.state.expect("a user").mfa, None);
    assert_eq!(left().await, ["cutoff"]);
    let shown = code(&person.authenticator.shows(world.clock.now()));
    assert_eq!(world.answer(&challenge, &shown).await, "ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_second_factor_is_in_the_log() {
    let world = world().await;
    let person = world.with_mfa().await;
    let state = world
        .commands
        .state::<User>(DEFAULT_TENANT, person.user.uuid());
    let credential = state.await.expect("asked").expect("a user").state.mfa;
    let head = world.log.head().await.expect("a head").position;
    let Some(event_log::Entry::Commit(last)) = world.log.at(head).await.expect("read") else {
        panic!("no commit");
    };
    let expected = serde_json::json!({"events": [{
        "type": "user.mfa_enabled", "v": 1, "data": {"credential": credential},
    }]});
    let payload: serde_json::Value = serde_json::from_slice(&last.payload).expect("JSON");
    assert_eq!(payload, expected);
}
