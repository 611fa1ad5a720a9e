//! Forgetting a person, also by a process that did not live to finish.
//!
//! Invariant: once the log says that somebody is erased, no start leaves their secrets behind.

use domain::user::{User, UserCommand};
use serde_json::json;

use super::*;

const EMAIL: &str = "ann@example.org";
const PASSWORD: &str = "correct horse battery";

/// Whether the vault has key and password of `user`.
async fn secrets(vault: &Vault, user: UserId) -> [bool; 2] {
    let name = |what| format!("{DEFAULT_TENANT}.user.{user}.{what}");
    let key = vault.get(&name("key")).await.expect("read");
    let password = vault.get(&name("password")).await.expect("read");
    [key.is_some(), password.is_some()]
}

fn of(user: UserId, command: u128) -> Ask {
    let command = CommandId::new(uuid::Uuid::from_u128(command));
    let actor = Actor::System("test".into());
    Ask::new(actor, DEFAULT_TENANT, user.uuid(), command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaves_no_secret_and_frees_the_address() {
    let world = world().await;
    let vault = Vault::open(&world.log, &[7; 32]).await.expect("a vault");
    let ask = world.ask();
    let user = UserId::new(ask.id);
    world
        .identity
        .register(ask, wanted(EMAIL))
        .await
        .expect("registered");
    assert_eq!(secrets(&vault, user).await, [true; 2]);
    let erased = world.identity.erase(of(user, 1)).await.expect("erased");
    assert!(erased.changed && erased.state.is_some_and(|user| user.erased));
    assert_eq!(secrets(&vault, user).await, [false; 2]);
    assert_eq!(world.sign_in(EMAIL, PASSWORD).await, None);
    let again = world.identity.erase(of(user, 1)).await.expect("erased");
    assert!(again.replayed);
    let next = world.ask();
    world
        .identity
        .register(next, wanted(EMAIL))
        .await
        .expect("free");
    assert!(world.sign_in(EMAIL, PASSWORD).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_begun_is_finished_at_the_next_start() {
    let world = world().await;
    let vault = Vault::open(&world.log, &[7; 32]).await.expect("a vault");
    let ask = world.ask();
    let user = UserId::new(ask.id);
    world
        .identity
        .register(ask, wanted(EMAIL))
        .await
        .expect("registered");
    // A process that ended after the event and before the key.
    let begun = json!([[DEFAULT_TENANT, user]]).to_string();
    vault
        .create("erasures", begun.as_bytes())
        .await
        .expect("noted");
    let open = || Identity::open(world.commands.clone(), vault.clone());
    open().await.expect("an identity");
    assert_eq!(
        secrets(&vault, user).await,
        [true; 2],
        "the log knows of none"
    );
    let erase = UserCommand::Erase;
    let erased = world
        .commands
        .execute::<User>(of(user, 1), erase)
        .await
        .expect("erased");
    // Whoever reads them before the key is gone, or remembers it, finds nobody rather than damage.
    let state = erased.state.expect("a user");
    let identity = &world.identity;
    let email = identity.open_personal(DEFAULT_TENANT, user, &state.email);
    assert_eq!(email.await, Ok(None));
    open().await.expect("an identity");
    assert_eq!(secrets(&vault, user).await, [false; 2]);
    let left = vault.get("erasures").await.expect("read").expect("a list");
    assert_eq!(left.value, b"[]");
}
