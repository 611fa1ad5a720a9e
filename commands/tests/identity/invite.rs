//! Asking somebody to become a user, and who is let in by it.
//!
//! Invariant: an invitation lets in once, whichever processes are asked, and only while it counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use commands::{Acceptance, Accepted, Invitation, Invited, PasswordChange};
use domain::user::UserRejection;

use super::*;

const EMAIL: &str = "bob@example.org";
const PASSWORD: &str = "one of his own";
const DAY_MS: i64 = 24 * 3_600_000;

fn invitation() -> Invitation {
    Invitation {
        email: " Bob@Example.org".into(),
        name: "Bob".into(),
        role: Role::Viewer,
    }
}

/// A command that no other is.
fn another() -> CommandId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    CommandId::new(uuid::Uuid::from_u128(NEXT.fetch_add(1, Relaxed).into()))
}

fn acceptance(token: &SecretString) -> Acceptance {
    Acceptance {
        command: another(),
        name: Some("Robert".into()),
        password: PASSWORD.into(),
        token: token.clone(),
    }
}

fn refused(outcome: &Result<Accepted, AccountError>) -> bool {
    matches!(outcome, Err(AccountError::InvalidInvitation))
}

impl World {
    async fn invited(&self) -> (UserId, Invited) {
        let ask = self.ask();
        let user = UserId::new(ask.id);
        let invited = self.identity.invite(ask, invitation()).await;
        (user, invited.expect("invited"))
    }

    async fn accept(&self, token: &SecretString) -> Result<Accepted, AccountError> {
        self.identity.accept_invitation(acceptance(token)).await
    }

    fn to(&self, user: UserId) -> Ask {
        let command = CommandId::new(self.commands.ids().next());
        let actor = Actor::System("test".into());
        Ask::new(actor, DEFAULT_TENANT, user.uuid(), command)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_invited_chooses_a_password_and_is_in() {
    let world = world().await;
    let (user, invited) = world.invited().await;
    let state = invited.receipt.state.as_ref().expect("a user");
    assert!(state.invited && !state.disabled);
    let taken = world.identity.invite(world.ask(), invitation()).await;
    assert!(matches!(taken, Err(AccountError::EmailTaken)));
    let taken = world.identity.register(world.ask(), wanted(EMAIL)).await;
    assert!(matches!(taken, Err(AccountError::EmailTaken)));
    assert_eq!(world.sign_in(EMAIL, PASSWORD).await, None);
    let change = PasswordChange {
        session: None,
        current: None,
        new: PASSWORD.into(),
    };
    let set = world.identity.change_password(world.to(user), change).await;
    let rejected = commands::CommandError::Rejected(UserRejection::Invited);
    assert_eq!(set.expect_err("refused").to_string(), rejected.to_string());
    assert_eq!(world.sign_in(EMAIL, PASSWORD).await, None);

    let mut weak = acceptance(&invited.token);
    weak.password = "short".into();
    let weak = world.identity.accept_invitation(weak).await;
    assert!(matches!(weak, Err(AccountError::WeakPassword(_))));
    let accepted = world.accept(&invited.token).await.expect("accepted");
    assert_eq!(accepted.id, user);
    let state = accepted.receipt.state.expect("a user");
    assert!(!state.invited && state.role == Role::Viewer);
    let name = world
        .identity
        .open_personal(DEFAULT_TENANT, user, &state.name);
    assert_eq!(name.await.expect("asked").as_deref(), Some("Robert"));
    assert_eq!(world.sign_in(EMAIL, PASSWORD).await, Some(user));
    assert!(refused(&world.accept(&invited.token).await));
    assert_eq!(world.sign_in(EMAIL, PASSWORD).await, Some(user));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_acceptances_in_two_processes_one_is_let_in() {
    let world = world().await;
    let other = world.other(&world.clock).await;
    let (user, invited) = world.invited().await;
    let processes = [&world.identity, &other];
    let rivals = (0..8).map(|n| {
        let mut wanted = acceptance(&invited.token);
        wanted.password = format!("password of rival {n}").into();
        processes[n % 2].accept_invitation(wanted)
    });
    let outcomes = join_all(rivals).await;
    let winners: Vec<_> = (0..8).filter(|n| outcomes[*n].is_ok()).collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(outcomes.iter().filter(|one| refused(one)).count(), 7);
    for n in 0..8 {
        let password = format!("password of rival {n}");
        let signed_in = world.sign_in(EMAIL, &password).await;
        assert_eq!(signed_in, (n == winners[0]).then_some(user), "rival {n}");
    }
    // Nothing is left of those who came too late.
    let (pattern, mut after, mut kept) = (format!("{DEFAULT_TENANT}.user.{user}.password.*"), 0, 0);
    let vault = world.vault().await;
    while let Some(change) = vault.next(&pattern, after).await.expect("asked") {
        after = change.revision;
        kept += usize::from(change.value.is_some());
    }
    assert_eq!(kept, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_ends_after_seven_days_or_by_another() {
    let world = world().await;
    let (user, first) = world.invited().await;
    let began = world.clock.now();
    let second = world.identity.invite_again(world.to(user)).await;
    let second = second.expect("invited");
    assert!(refused(&world.accept(&first.token).await));
    world.clock.set(began.plus_ms(7 * DAY_MS));
    assert!(refused(&world.accept(&second.token).await));
    let third = world.to(user);
    let renewed = world.identity.invite_again(third.clone()).await;
    let renewed = renewed.expect("invited");
    // An answer that was lost: its token is nobody's.
    let again = world.identity.invite_again(third).await.expect("invited");
    assert_eq!(again.receipt.version, renewed.receipt.version);
    assert!(refused(&world.accept(&renewed.token).await));
    world.clock.set(began.plus_ms(14 * DAY_MS - 1));
    world.accept(&again.token).await.expect("accepted");
    let late = world.identity.invite_again(world.to(user)).await;
    assert!(late.is_err(), "they are in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_disabled_or_erased_is_not_let_in() {
    let world = world().await;
    let (identity, vault) = (&world.identity, world.vault().await);
    let (user, first) = world.invited().await;
    identity.disable(world.to(user)).await.expect("disabled");
    assert!(refused(&world.accept(&first.token).await));
    identity.enable(world.to(user)).await.expect("enabled");
    assert!(refused(&world.accept(&first.token).await));
    let second = identity.invite_again(world.to(user)).await;
    let second = second.expect("invited");
    identity.erase(world.to(user)).await.expect("erased");
    assert!(refused(&world.accept(&second.token).await));
    let (pattern, mut after) = (format!("{DEFAULT_TENANT}.user.{user}.>"), 0);
    while let Some(change) = vault.next(&pattern, after).await.expect("asked") {
        after = change.revision;
        let kept = change.value.is_some() && !change.name.ends_with(".cutoff");
        assert!(!kept, "{} is left", change.name);
    }
    world.invited().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_its_own_token_accepts_an_invitation() {
    let world = world().await;
    let (user, invited) = world.invited().await;
    let text = invited.token.expose_secret();
    let (identity, tokens) = (&world.identity, world.start(user).await);
    assert!(identity.verify(text).is_none() && identity.challenged(text).is_none());
    assert!(world.refresh(&invited.token).await.is_none());
    let ask = world.ask();
    let carol = Invitation {
        email: "carol@example.org".into(),
        ..invitation()
    };
    let carol = identity.invite(ask, carol).await.expect("invited");
    let mixed = [&text[..43], &carol.token.expose_secret()[43..]].concat();
    for token in [
        tokens.access.expose_secret(),
        tokens.refresh.expose_secret(),
        mixed.as_str(),
        "",
    ] {
        assert!(refused(&world.accept(&token.into()).await));
    }
    let stored = vault_has(&world.vault().await, user, text).await;
    assert!(!stored, "the token itself is kept");
    world.accept(&invited.token).await.expect("accepted");
}

/// Whether the vault has `text` anywhere among what it keeps of `user`.
async fn vault_has(vault: &Vault, user: UserId, text: &str) -> bool {
    let (pattern, mut after) = (format!("{DEFAULT_TENANT}.user.{user}.>"), 0);
    while let Some(change) = vault.next(&pattern, after).await.expect("asked") {
        after = change.revision;
        let value = change.value.unwrap_or_default();
        if change.name.contains(text) || String::from_utf8_lossy(&value).contains(text) {
            return true;
        }
    }
    false
}
