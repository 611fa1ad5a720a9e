//! Passwords that were hashed when hashes cost something else.
//!
//! Invariant: they stay good, and are hashed anew by whoever shows them.

use argon2::{Algorithm, Argon2, Params, Version};
use commands::DEFAULT_TENANT;

use super::world;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hash_of_before_is_good_and_is_made_anew_when_it_is_next_shown() {
    let world = world().await;
    let (email, right) = ("ann@example.org", "correct horse battery");
    let user = world.registered(email).await;
    let name = format!("{DEFAULT_TENANT}.user.{user}.password");
    let salt = [3; 16];
    let mut hash = [0; 32];
    let params = Params::new(19 * 1024, 2, 1, Some(32)).expect("parameters");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(right.as_bytes(), &salt, &mut hash)
        .expect("a hash");
    let before = [salt.as_slice(), &hash].concat();
    world
        .vault()
        .await
        .put(&name, &before)
        .await
        .expect("stored");
    let kept = async || {
        let kept = world.vault().await.get(&name).await.expect("an answer");
        kept.expect("a password").value.clone()
    };

    assert_eq!(world.sign_in(email, "another one").await, None);
    assert_eq!(kept().await, before);
    assert_eq!(world.sign_in(email, right).await, Some(user));
    let anew = kept().await;
    assert_eq!((anew.len(), anew[0]), (49, 2));
    assert!(
        !anew.windows(16).any(|part| part == salt),
        "a salt of its own"
    );
    assert_eq!(world.sign_in(email, "another one").await, None);
    assert_eq!(world.sign_in(email, right).await, Some(user));
    assert_eq!(kept().await, anew);
}
