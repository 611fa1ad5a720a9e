//! Exports of a log in memory: the same again, gone on with, and tampered with.

use std::{collections::BTreeMap, fs};

use domain::CommandId;
use event_log::{MemoryLog, NewCommit, Version, seal};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::events::{
    check::{Report, check},
    filter::tests::{commit_at, log_of},
};

const PER_FILE: u64 = 10;

/// The commits of a log: each third one is the second of the aggregate before.
pub fn story(length: i64) -> Vec<NewCommit> {
    let mut commits: Vec<NewCommit> = Vec::new();
    for at in 1..=length {
        let mut commit = commit_at(at * 1_000);
        if let Some(last) = commits.last().filter(|_| at % 3 == 0) {
            commit.stream = last.stream;
            commit.expected = Position(at as u64 - 1);
            commit.meta.previous = last.meta.hash;
            commit.meta.version = Version(2);
        }
        commit.meta.command = CommandId::new(Uuid::from_u128(at as u128));
        commit.meta.hash = seal(commit.stream, &commit.meta, &commit.payload);
        commits.push(commit);
    }
    commits
}

/// The log of that story.
pub async fn told(length: i64) -> MemoryLog {
    log_of(story(length)).await
}

async fn exported(
    log: &MemoryLog,
    folder: &Path,
    format: Format,
    filter: &str,
) -> Result<Manifest> {
    let question = Question {
        filter: serde_json::from_str(filter).expect("a filter"),
        format,
        per_file: PER_FILE,
    };
    export(log, folder, question, |_, _| {}).await
}

/// All of a log, in a folder.
pub async fn whole(log: &MemoryLog) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = exported(log, folder.path(), Format::Ndjson, "{}").await;
    assert!(manifest.expect("exported").is_complete);
    folder
}

fn files(folder: &TempDir) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder");
    let read = entries.map(|entry| {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        (name, fs::read(path).expect("read"))
    });
    read.collect()
}

fn checked(folder: &TempDir) -> Report {
    let manifest = Manifest::read(folder.path()).expect("a manifest");
    check(folder.path(), &manifest, &[], |_, _| {})
}

/// Changes the text of a file, and the manifest so that it fits.
fn forge(folder: &TempDir, name: &str, change: impl FnOnce(String) -> String) {
    let path = folder.path().join(name);
    fs::write(&path, change(fs::read_to_string(&path).expect("read"))).expect("written");
    let mut manifest = Manifest::read(folder.path()).expect("a manifest");
    let (bytes, digest) = digest_of(&path).expect("digested");
    for file in manifest.files.iter_mut().filter(|file| file.name == name) {
        (file.bytes, file.sha256) = (bytes, digest.to_string());
    }
    write(folder.path(), &manifest).expect("written");
}

#[tokio::test]
async fn the_same_log_gives_the_same_bytes_and_a_longer_one_adds_to_them() {
    for format in [Format::Ndjson, Format::Parquet] {
        let [first, again, later] = [(); 3].map(|()| tempfile::tempdir().expect("a folder"));
        let log = told(25).await;
        exported(&log, first.path(), format, "{}")
            .await
            .expect("exported");
        exported(&told(25).await, again.path(), format, "{}")
            .await
            .expect("exported");
        assert_eq!(files(&first), files(&again));
        assert_eq!(checked(&first).findings, Vec::<String>::new());
        let longer = told(33).await;
        exported(&longer, later.path(), format, "{}")
            .await
            .expect("exported");
        exported(&longer, first.path(), format, "{}")
            .await
            .expect("gone on");
        assert_eq!(files(&first), files(&later));
        let (shorter, longer) = (files(&again), files(&later));
        let kept = shorter
            .iter()
            .filter(|(name, bytes)| longer.get(*name) == Some(bytes));
        assert_eq!((shorter.len(), longer.len(), kept.count()), (4, 5, 2));
    }
}

#[tokio::test]
async fn what_broke_off_is_gone_on_with() {
    let log = told(25).await;
    let (folder, expected) = (whole(&log).await, files(&whole(&log).await));
    let mut manifest = Manifest::read(folder.path()).expect("a manifest");
    manifest.is_complete = false;
    manifest.files.truncate(1);
    write(folder.path(), &manifest).expect("written");
    fs::write(
        folder.path().join(".000000000011.ndjson.partial"),
        b"half a li",
    )
    .expect("written");
    assert!(!checked(&folder).findings.is_empty());
    exported(&log, folder.path(), Format::Ndjson, "{}")
        .await
        .expect("gone on");
    assert_eq!(files(&folder), expected);
    // A file that is not what the manifest says is not gone on from.
    fs::write(folder.path().join("000000000001.ndjson"), b"{}\n").expect("written");
    exported(&log, folder.path(), Format::Ndjson, "{}")
        .await
        .expect("gone on");
    assert_eq!(files(&folder), expected);
}

#[tokio::test]
async fn a_folder_that_holds_something_else_is_left_alone() {
    let log = told(5).await;
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("letter"), b"dear").expect("written");
    let refused = exported(&log, folder.path(), Format::Ndjson, "{}").await;
    assert!(refused.is_err_and(|reason| reason.to_string().contains("no export")));
    assert_eq!(files(&folder).len(), 1);
    let folder = whole(&log).await;
    let before = files(&folder);
    for (format, filter) in [
        (Format::Parquet, "{}"),
        (Format::Ndjson, r#"{"kind":"task"}"#),
    ] {
        let refused = exported(&log, folder.path(), format, filter).await;
        assert!(refused.is_err_and(|reason| reason.to_string().contains("something else")));
        assert_eq!(files(&folder), before);
    }
}

#[tokio::test]
async fn any_byte_that_was_changed_is_named_with_its_file() {
    let log = told(12).await;
    // Of rows, and of commits that are not whole, only the digest of the file can tell.
    for (format, filter) in [
        (Format::Ndjson, "{}"),
        (Format::Ndjson, r#"{"types":["task.started"]}"#),
        (Format::Parquet, "{}"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let exported = exported(&log, folder.path(), format, filter).await;
        exported.expect("exported");
        let name = format!("000000000011.{}", format.extension());
        let path = folder.path().join(&name);
        let bytes = fs::read(&path).expect("read");
        for at in (0..bytes.len()).step_by(37) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).expect("written");
            let found = checked(&folder).findings;
            let named = found.iter().any(|finding| finding.starts_with(&name));
            assert!(named, "{name} at {at}: {found:?}");
        }
        fs::remove_file(&path).expect("removed");
        let found = checked(&folder).findings;
        assert!(
            found[0].contains(&format!("{name} cannot be read")),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn what_was_changed_together_with_the_manifest_is_found() {
    type Change = fn(String) -> String;
    let first = |text: String| text.lines().next().map(str::to_owned).unwrap_or_default();
    let cases: [(Change, &str); 5] = [
        (
            |text| text.replacen("system:test", "system:rest", 4),
            "another digest",
        ),
        (
            |text| text.replacen(r#""data":{"a":"ä""#, r#""data":{"a":"ü""#, 1),
            "something else",
        ),
        (
            |text| {
                text.lines()
                    .skip(2)
                    .map(|line| line.to_owned() + "\n")
                    .collect()
            },
            "is missing",
        ),
        (
            |text| {
                text.lines()
                    .rev()
                    .map(|line| line.to_owned() + "\n")
                    .collect()
            },
            "where it belongs",
        ),
        (|text| text.replacen("}\n", "\n", 1), "line 1"),
    ];
    for (change, told) in cases {
        let folder = whole(&super::tests::told(12).await).await;
        assert!(
            first(String::from_utf8(files(&folder)["000000000001.ndjson"].clone()).expect("text"))
                .contains("commitpayload")
        );
        forge(&folder, "000000000001.ndjson", change);
        let found = checked(&folder).findings;
        assert!(
            found.iter().any(|it| it.contains(told)),
            "{told}: {found:#?}"
        );
    }
    // Sealed anew: the chain and the root tell.
    let mut commits = story(12);
    commits[1].payload = br#"{"events":[{"type":"task.requeued","v":1,"data":{}}]}"#.to_vec();
    commits[1].meta.hash = seal(commits[1].stream, &commits[1].meta, &commits[1].payload);
    let (folder, other) = (
        whole(&told(12).await).await,
        whole(&log_of(commits).await).await,
    );
    let forged = String::from_utf8(files(&other)["000000000001.ndjson"].clone()).expect("text");
    forge(&folder, "000000000001.ndjson", |_| forged);
    let found = checked(&folder).findings;
    for told in ["does not continue", "its root is", "with the tree"] {
        assert!(
            found.iter().any(|it| it.contains(told)),
            "{told}: {found:#?}"
        );
    }
}

#[tokio::test]
async fn only_what_is_wanted_is_in_an_export() {
    let log = told(25).await;
    for (filter, commits, events) in [
        (r#"{"from":"12"}"#, 14, 28),
        (r#"{"from":"5","to":"12"}"#, 8, 16),
        (
            r#"{"from":"1970-01-01T00:00:05Z","to":"1970-01-01T00:00:12Z"}"#,
            8,
            16,
        ),
        (r#"{"types":["task.started"]}"#, 25, 25),
        (r#"{"kind":"user"}"#, 0, 0),
        (r#"{"tenant":"main"}"#, 0, 0),
        (r#"{"id":"00000000-0000-0000-0000-0000000007d0"}"#, 2, 4),
    ] {
        let mut counted = Vec::new();
        for format in [Format::Ndjson, Format::Parquet] {
            let folder = tempfile::tempdir().expect("a folder");
            let manifest = exported(&log, folder.path(), format, filter)
                .await
                .expect("exported");
            assert_eq!(checked(&folder).findings, Vec::<String>::new(), "{filter}");
            assert!(!manifest.is_whole && manifest.root.is_none(), "{filter}");
            counted.push((manifest.commits, manifest.events));
        }
        assert_eq!(counted, [(commits, events); 2], "{filter}");
    }
}
