//! One suite for every place where files may be.
//!
//! Invariant: what holds of a folder holds of a bucket, tried over the network.

mod bucket;

use std::io::Write as _;

use domain::{TaskId, TenantId, Timestamp};
use files::{Files, FilesError, Key, Name};
use futures::TryStreamExt as _;
use runtime::Clock;
use uuid::Uuid;

use bucket::Server;

const TENANT: TenantId = TenantId::new(Uuid::from_u128(1));
const TASK: TaskId = TaskId::new(Uuid::from_u128(2));
const MAX: u64 = 200_000;

fn open(config: runtime::Files) -> Files {
    let config = runtime::Files {
        max_bytes: MAX,
        ..config
    };
    let files = Files::open(&config, Clock::system()).expect("opened");
    files.expect("a place")
}

fn folder(at: &std::path::Path) -> Files {
    open(runtime::Files {
        folder: Some(at.to_owned()),
        ..runtime::Files::default()
    })
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

async fn content(files: &Files, key: &Key) -> Result<Vec<u8>, FilesError> {
    let reading = files.read(key).await?;
    let parts: Vec<_> = reading.parts.try_collect().await?;
    let content = parts.concat();
    assert_eq!(content.len() as u64, reading.bytes);
    Ok(content)
}

/// What is promised of every place.
async fn suite(files: &Files) {
    let large: Vec<u8> = (0..150_000_u32).map(|n| n as u8).collect();
    let mut references = Vec::new();
    for (text, name_of) in [
        (&b"a,b\n"[..], "a.csv"),
        (&large, "large.bin"),
        (b"", "empty.txt"),
    ] {
        let mut writing = files.begin().expect("begun");
        for part in text.chunks(70_000) {
            writing.write_all(part).expect("written");
        }
        let file = writing.keep_for(TENANT, TASK, name(name_of)).await;
        let file = file.expect("kept");
        assert_eq!(file.bytes, text.len() as u64);
        assert_eq!(file.key, file.key_of(TENANT, TASK).expect("a key"));
        assert_eq!(content(files, &file.key).await.expect("read"), text);
        assert_eq!(files.verify(&file.key, &file.sha256).await, Ok(file.bytes));
        let other = "0".repeat(64);
        let altered = files.verify(&file.key, &other).await;
        assert_eq!(altered, Err(FilesError::Altered(file.key.clone())));
        references.push(file);
    }
    // The same again is the same.
    let mut again = files.begin().expect("begun");
    again.write_all(b"a,b\n").expect("written");
    let again = again.keep_for(TENANT, TASK, name("a.csv")).await;
    assert_eq!(again.expect("kept"), references[0]);

    let found = files.list(&TENANT.to_string()).await.expect("listed");
    let mut keys: Vec<_> = references.iter().map(|file| file.key.clone()).collect();
    keys.sort();
    assert_eq!(
        found.iter().map(|it| it.key.clone()).collect::<Vec<_>>(),
        keys
    );
    let age = files.now().since_ms(found[0].written_at);
    assert!(age.abs() < 60_000, "{age} ms");
    let other = TenantId::new(Uuid::from_u128(3));
    assert_eq!(files.list(&other.to_string()).await, Ok(Vec::new()));

    let gone = &references[0].key;
    files.remove(gone).await.expect("removed");
    files.remove(gone).await.expect("removed again");
    let missing = content(files, gone).await;
    assert_eq!(missing, Err(FilesError::Missing(gone.clone())));
    assert_eq!(files.list("").await.expect("listed").len(), 2);
}

/// What is too large, or given up, leaves nothing.
async fn bounds(files: &Files) {
    let mut writing = files.begin().expect("begun");
    let part = vec![7; MAX as usize];
    writing.write_all(&part).expect("it fits");
    let refused = writing.write_all(b"x").expect_err("too large");
    assert_eq!(FilesError::from(refused), FilesError::TooLarge { max: MAX });
    drop(writing);
    assert_eq!(files.list("").await, Ok(Vec::new()));
    assert_eq!(
        files.sweep(Timestamp::from_unix_ms(i64::MAX / 2)).await,
        Ok(0)
    );
}

#[tokio::test]
async fn a_folder_keeps_what_it_is_given() {
    let scratch = tempfile::tempdir().expect("a folder");
    let files = folder(scratch.path());
    bounds(&files).await;
    suite(&files).await;
}

#[tokio::test]
async fn a_bucket_keeps_what_it_is_given() {
    let server = Server::start().await;
    let files = open(server.config());
    suite(&files).await;
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn what_was_never_finished_is_swept_away_once_it_is_old() {
    let scratch = tempfile::tempdir().expect("a folder");
    let files = folder(scratch.path());
    let mut killed = files.begin().expect("begun");
    killed.write_all(b"half").expect("written");
    std::mem::forget(killed);
    let began = files.now();
    let young = files.sweep(began.plus_ms(-60_000)).await;
    assert_eq!(young, Ok(0));
    assert_eq!(files.sweep(began.plus_ms(60_000)).await, Ok(1));
}

#[tokio::test]
async fn a_store_that_is_away_or_says_no_is_told_apart() {
    let server = Server::start().await;
    let files = open(server.config());
    let key: Key = "a/b".parse().expect("a key");
    server.refuse(Some((503, "SlowDown")));
    let away = files.read(&key).await.err().expect("no answer");
    assert!(
        matches!(&away, FilesError::Unavailable(why) if why.contains("SlowDown")),
        "{away}"
    );
    server.refuse(Some((403, "AccessDenied")));
    let refused = files.list("").await.expect_err("refused");
    let told = matches!(&refused, FilesError::Refused(why) if why.contains("AccessDenied"));
    assert!(told, "{refused}");
    server.refuse(None);
    drop(server);
    let gone = files.remove(&key).await.expect_err("nobody listens");
    assert!(matches!(gone, FilesError::Unavailable(_)), "{gone}");
}

#[tokio::test]
async fn without_a_place_there_are_no_files() {
    let none = Files::open(&runtime::Files::default(), Clock::system());
    assert!(none.expect("no failure").is_none());
}
