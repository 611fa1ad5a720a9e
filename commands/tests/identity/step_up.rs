//! When somebody was last seen to be who they say.
//!
//! Invariant: only what they show changes it, and tokens of every later refresh say so.

use commands::{Authentication, Means, Principal, Shown, SteppedUp};

use super::*;
use crate::authenticator::Authenticator;

const EMAIL: &str = "ann@example.org";
const MINUTE_MS: i64 = 60_000;

fn word(stepped_up: &SteppedUp) -> &'static str {
    match stepped_up {
        SteppedUp::Ended => "ended",
        SteppedUp::NeedsCode => "needs a code",
        SteppedUp::NeedsPassword => "needs a password",
        SteppedUp::Paused { .. } => "paused",
        SteppedUp::Right { .. } => "right",
        SteppedUp::Wrong => "wrong",
    }
}

fn password(text: &str) -> Shown {
    Shown::Password(text.into())
}

impl World {
    async fn step_up(&self, principal: &Principal, shown: Shown) -> SteppedUp {
        let stepped_up = self.identity.step_up(principal, shown).await;
        stepped_up.expect("asked")
    }

    fn verified(&self, access: &SecretString) -> Principal {
        let verified = self.identity.verify(access.expose_secret());
        verified.expect("it speaks for somebody")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_shows_nothing_and_a_step_up_lasts() {
    let world = world().await;
    let user = world.registered(EMAIL).await;
    let began = world.clock.now();
    let first = world.start(user).await;
    let by = Means::Password;
    let principal = world.verified(&first.access);
    assert_eq!(principal.authenticated, Authentication { at: began, by });
    world.clock.set(began.plus_ms(7 * MINUTE_MS));
    let second = world.refresh(&first.refresh).await.expect("refreshed");
    let principal = world.verified(&second.tokens.access);
    assert_eq!(principal.authenticated.at, began);
    let wrong = world.step_up(&principal, password("not the one")).await;
    assert_eq!(word(&wrong), "wrong");
    let needless = world
        .step_up(&principal, Shown::Code("000000".into()))
        .await;
    assert_eq!(word(&needless), "needs a password");
    let now = world.clock.now();
    let shown = password("correct horse battery");
    let SteppedUp::Right { access, .. } = world.step_up(&principal, shown).await else {
        panic!("the password is right");
    };
    let stepped_up = world.verified(&access);
    assert_eq!(stepped_up.authenticated, Authentication { at: now, by });
    assert_eq!(stepped_up.session, principal.session);
    let before = world.verified(&second.tokens.access);
    assert_eq!(before.authenticated.at, began, "the old token says no more");
    world.clock.set(now.plus_ms(MINUTE_MS));
    let third = world.refresh(&second.tokens.refresh).await;
    let third = world.verified(&third.expect("refreshed").tokens.access);
    assert_eq!(third.authenticated.at, now);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_a_second_factor_shows_that() {
    let world = world().await;
    let user = world.registered(EMAIL).await;
    let start = world.clock.now();
    let tokens = world.start(user).await;
    let principal = world.verified(&tokens.access);
    let begun = world.identity.begin_totp(DEFAULT_TENANT, user).await;
    let authenticator = Authenticator::of(begun.expect("begun").secret.expose_secret());
    let command = CommandId::new(world.commands.ids().next());
    let ask = Ask::new(Actor::User(user), DEFAULT_TENANT, user.uuid(), command);
    let shown = authenticator.shows(start);
    let spent = Shown::Code(shown.as_str().into());
    let session = principal.session;
    let enrolled = (world.identity).confirm_totp(ask, shown.into(), session);
    enrolled.await.expect("enrolled");
    let now = start.plus_ms(MINUTE_MS);
    let refused = world.step_up(&principal, spent).await;
    assert_eq!(word(&refused), "wrong", "it was used to confirm");
    world.clock.set(now);
    let stolen = password("correct horse battery");
    let refused = world.step_up(&principal, stolen).await;
    assert_eq!(word(&refused), "needs a code");
    let shown = Shown::Code(authenticator.shows(now).into());
    let SteppedUp::Right { access, .. } = world.step_up(&principal, shown).await else {
        panic!("the code is right");
    };
    let by = Means::PasswordAndCode;
    let stepped_up = world.verified(&access);
    assert_eq!(stepped_up.authenticated, Authentication { at: now, by });
    let shown = Shown::Code(authenticator.shows(now).into());
    let replayed = world.step_up(&principal, shown).await;
    assert_eq!(word(&replayed), "wrong");
    let ended = world.identity.end_sign_in(DEFAULT_TENANT, user, session);
    assert!(ended.await.expect("asked"));
    let later = world.clock.now().plus_ms(MINUTE_MS);
    world.clock.set(later);
    let shown = Shown::Code(authenticator.shows(later).into());
    let ended = world.step_up(&principal, shown).await;
    assert_eq!(word(&ended), "ended");
}
