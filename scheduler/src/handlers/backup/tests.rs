//! Backups of a folder that stands for the log and the vault.
//!
//! Invariant: what is read back here is read from the store, not from where it came.

use std::sync::{
    Mutex,
    atomic::{AtomicI64, Ordering},
};

use futures::FutureExt as _;

use super::*;
use crate::handlers::testing::{attempt, code};

/// A store, and what the next copy holds: path and text.
struct World {
    backup: Backup,
    clock: Clock,
    content: Arc<Mutex<Vec<(&'static str, String)>>>,
    files: Files,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = runtime::Files {
            folder: Some(folder.path().to_owned()),
            ..runtime::Files::default()
        };
        let clock = Clock::manual(Timestamp::from_unix_ms(1_800_000_000_000));
        let files = Files::open(&config, clock.clone()).expect("opened");
        let files = files.expect("a place");
        let content = Arc::<Mutex<Vec<(&'static str, String)>>>::default();
        let (written, position) = (Arc::clone(&content), AtomicI64::new(0));
        let copy = move |into: PathBuf| {
            let content = written.lock().expect("held by nobody").clone();
            let position = position.fetch_add(1, Ordering::Relaxed) as u64;
            async move {
                std::fs::create_dir(into.join("log")).map_err(|reason| reason.to_string())?;
                for (path, text) in content {
                    std::fs::write(into.join(path), text).map_err(|reason| reason.to_string())?;
                }
                Ok(Copied {
                    log: "log".to_owned(),
                    position,
                    root: "root".to_owned(),
                    secrets: 1,
                })
            }
            .boxed()
        };
        let copy: Arc<WriteCopy> = Arc::new(copy);
        Self {
            backup: Backup::new(clock.clone(), Some(copy), Some(files.clone())),
            clock,
            content,
            files,
            folder,
        }
    }

    fn holds(&self, content: &[(&'static str, &str)]) {
        let owned = content
            .iter()
            .map(|(path, text)| (*path, (*text).to_owned()));
        *self.content.lock().expect("held by nobody") = owned.collect();
        self.clock.set(self.clock.now().plus_ms(1_000));
    }

    async fn run(&self, payload: Value) -> Outcome {
        let context = AttemptContext {
            tenant: TenantId::MAIN,
            ..attempt()
        };
        self.backup.run(payload, &context).await
    }

    async fn done(&self, payload: Value) -> Value {
        match self.run(payload).await {
            Outcome::Done(output) => output,
            other => panic!("{other:?}"),
        }
    }

    async fn keys(&self, under: &str) -> Vec<String> {
        let found = self.files.list(under).await.expect("listed");
        found.iter().map(|file| file.key.to_string()).collect()
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.path().join("objects").join(key)
    }
}

#[tokio::test]
async fn a_set_names_files_that_are_there_and_sends_none_twice() {
    let world = World::new();
    world.holds(&[
        ("log/1.ndjson", "one"),
        ("log/2.ndjson", "two"),
        ("vault.ndjson", "sealed"),
    ]);
    let first = world.done(Value::Null).await;
    assert_eq!(
        (&first["bytes"], &first["bytes_sent"]),
        (&json!(12), &json!(12))
    );
    let set = std::fs::read(world.path(first["set"].as_str().expect("a key"))).expect("there");
    let set: BackupSet = serde_json::from_slice(&set).expect("a set");
    let paths: Vec<_> = set.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["log/1.ndjson", "log/2.ndjson", "vault.ndjson"]);
    for (file, text) in set.files.iter().zip(["one", "two", "sealed"]) {
        let found = std::fs::read_to_string(world.path(file.key.as_str()));
        assert_eq!(found.expect("there"), text);
    }
    world.holds(&[
        ("log/1.ndjson", "one"),
        ("log/2.ndjson", "two more"),
        ("vault.ndjson", "x"),
    ]);
    let second = world.done(json!({})).await;
    assert_eq!(
        (&second["bytes"], &second["bytes_sent"]),
        (&json!(12), &json!(9))
    );
    assert_eq!(world.keys(FILES).await.len(), 5);
}

#[tokio::test]
async fn what_was_spoiled_in_the_store_is_written_anew() {
    let world = World::new();
    world.holds(&[("vault.ndjson", "sealed")]);
    world.done(Value::Null).await;
    let key = world.keys(FILES).await.remove(0);
    std::fs::write(world.path(&key), "spoilt").expect("written");
    world.clock.set(world.clock.now().plus_ms(1_000));
    let again = world.done(Value::Null).await;
    assert_eq!(again["bytes_sent"], 6);
    assert_eq!(std::fs::read(world.path(&key)).expect("there"), b"sealed");
}

#[tokio::test]
async fn the_newest_sets_stay_with_all_their_files() {
    let world = World::new();
    for text in ["one", "two", "three"] {
        world.holds(&[("log/1.ndjson", "first"), ("vault.ndjson", text)]);
        world.done(json!({"keep": 2})).await;
    }
    assert_eq!(world.keys(SETS).await.len(), 2);
    let mut texts: Vec<_> = world.keys(FILES).await;
    texts.sort();
    let texts = texts
        .iter()
        .map(|key| std::fs::read_to_string(world.path(key)).expect("there"));
    let texts: BTreeSetOf = texts.collect();
    assert_eq!(texts, ["first", "three", "two"].map(str::to_owned).into());
    // What is no set is a reason to take nothing away.
    let newest = world.keys(SETS).await.pop().expect("a set");
    std::fs::write(world.path(&newest), "spoilt").expect("written");
    world.holds(&[("vault.ndjson", "four")]);
    let output = world.done(json!({"keep": 2})).await;
    assert_eq!(output["removed_sets"], 0);
    assert_eq!(world.keys(SETS).await.len(), 3);
}

type BTreeSetOf = std::collections::BTreeSet<String>;

#[tokio::test]
async fn only_the_main_tenant_makes_one_and_only_where_it_can_be_made() {
    let world = World::new();
    let foreign = world.backup.run(Value::Null, &attempt()).await;
    assert_eq!(code(&foreign), ("backup_refused", false));
    assert_eq!(
        code(&world.run(json!({"keep": 0})).await),
        ("invalid_payload", false)
    );
    let main = AttemptContext {
        tenant: TenantId::MAIN,
        ..attempt()
    };
    let files = Some(world.files.clone());
    let unable = Backup::new(world.clock.clone(), None, files)
        .run(Value::Null, &main)
        .await;
    assert_eq!(code(&unable), ("kind_unavailable", true));
    let failing: Arc<WriteCopy> = Arc::new(|_| async { Err("away".to_owned()) }.boxed());
    let files = Some(world.files.clone());
    let failing = Backup::new(world.clock.clone(), Some(failing), files);
    let outcome = failing.run(Value::Null, &main).await;
    assert_eq!(code(&outcome), ("backup_failed", true));
    assert_eq!(world.keys("").await, Vec::<String>::new());
}
