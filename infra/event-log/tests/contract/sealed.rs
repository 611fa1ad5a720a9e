//! The vault taken as it is, and put back elsewhere.
//!
//! Invariant: whoever takes it has no key; it opens with the old one only.

use std::time::Duration;

use domain::Timestamp;
use event_log::{Role, SealedSecret, SealedVault, Vault, VaultError};
use local::Nats;

use crate::fixture::open;

const KEY: [u8; 32] = [7; 32];

async fn all(vault: &SealedVault) -> Vec<SealedSecret> {
    let (mut found, mut after) = (Vec::new(), 0);
    while let Some((revision, secret)) = vault.next(after).await.expect("answered") {
        after = revision;
        found.push(secret);
    }
    found
}

/// A vault with two secrets that stay, one that ends and one that is gone.
async fn filled(server: &Nats) {
    let owner = open(server, Role::Owner).await;
    let vault = Vault::open(&owner, &KEY).await.expect("a vault");
    let kept = [
        ("a.one", "first"),
        ("a.two", "old"),
        ("a.two", "second"),
        ("a.gone", "gone"),
    ];
    for (name, value) in kept {
        vault.put(name, value.as_bytes()).await.expect("kept");
    }
    vault.delete("a.gone").await.expect("forgotten");
    let life = Duration::from_hours(1);
    vault
        .put_for("b.short", b"third", life)
        .await
        .expect("kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_is_taken_sealed_and_put_back_elsewhere() {
    let (from, to) = (
        Nats::scratch().expect("starts"),
        Nats::scratch().expect("starts"),
    );
    Box::pin(filled(&from)).await;
    let backup = open(&from, Role::Backup).await;
    let sealed = SealedVault::open(&backup).await.expect("a vault");
    let taken = all(&sealed).await;
    let mut names: Vec<_> = taken.iter().map(|secret| secret.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["a.one", "a.two", "b.short"]);
    let text = serde_json::to_string(&taken).expect("encoded");
    assert!(!text.contains("first"), "{text}");
    let now = runtime::Clock::system().now();
    let short = taken
        .iter()
        .find(|secret| secret.name == "b.short")
        .expect("taken");
    let left_ms = short.expires_at.expect("an end").since_ms(now);
    assert!((3_500_000..=3_601_000).contains(&left_ms), "{left_ms} ms");

    let owner = open(&to, Role::Owner).await;
    let empty = SealedVault::open(&owner).await.expect("a vault");
    for secret in &taken {
        assert_eq!(
            empty.restore(secret, now).await,
            Ok(true),
            "{}",
            secret.name
        );
    }
    assert_eq!(
        empty.restore(&taken[0], now).await,
        Err(VaultError::Conflict)
    );
    let late = SealedSecret {
        expires_at: Some(Timestamp::from_unix_ms(now.unix_ms() - 1)),
        name: "b.late".to_owned(),
        ..taken[0].clone()
    };
    assert_eq!(empty.restore(&late, now).await, Ok(false));
    let opened = Vault::open(&owner, &KEY).await.expect("a vault");
    for (name, value) in [
        ("a.one", "first"),
        ("a.two", "second"),
        ("b.short", "third"),
    ] {
        let found = opened.get(name).await.expect("answered").expect("there");
        assert_eq!(found.value, value.as_bytes());
    }
    let other = Vault::open(&owner, &[8; 32]).await.expect("a vault");
    assert!(matches!(
        other.get("a.one").await,
        Err(VaultError::Sealed(_))
    ));
    let written = SealedVault::open(&backup).await.expect("a vault");
    let refused = written
        .restore(&late.clone(), Timestamp::from_unix_ms(0))
        .await;
    assert!(refused.is_err(), "who backs up writes nothing");
}
