//! What was changed in the files of the server, behind its back.
//!
//! Invariant: the server is stopped while its files are changed, as whoever has the disk would do.

use std::{
    fs,
    path::{Path, PathBuf},
};

use event_log::{Against, EventLog as _, JetStreamLog, Options, Position, Role, SigningKey};
use local::{Nats, Scratch};
use secrecy::SecretString;

use crate::story::{checkpoint_of, entries, found, key, note_of, proven, sign, task};

async fn open(server: &Nats, role: Role) -> JetStreamLog {
    let options = Options {
        accept_interval_sync: false,
        group_commit: true,
        monitor_url: server.monitor_url(),
        replicas: 1,
        role,
        url: SecretString::from(server.url_of(role.user()).expect("a password")),
    };
    JetStreamLog::open(&options).await.expect("the log opens")
}

/// A server whose log has 40 commits and a checkpoint over them, and ten more.
async fn signed() -> (Scratch<Nats>, Against, SigningKey) {
    let server = Nats::scratch().expect("a nats-server starts");
    let log = open(&server, Role::Owner).await;
    let incarnation = log.head().await.expect("a head").incarnation;
    let key = key(&event_log::origin(&incarnation));
    for id in 1..=40 {
        log.append(task(None, id)).await.expect("stored");
    }
    sign(&log, &[&key]).await;
    for id in 41..=50 {
        log.append(task(None, id)).await.expect("stored");
    }
    let keys = vec![key.verifier()];
    let against = Against {
        checkpoints: Vec::new(),
        keys,
    };
    (server, against, key)
}

/// Where the server keeps the messages of the log.
fn blocks(server: &Nats) -> Vec<PathBuf> {
    fn search(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                search(&path, found);
            } else if path.extension().is_some_and(|it| it == "blk")
                && path.display().to_string().contains("/EVENTS/")
            {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    let log = server.log();
    search(log.parent().expect("a folder"), &mut found);
    found
}

/// Flips a bit within the first text `word` in the files of the log.
fn flip(server: &Nats, word: &str) {
    for path in blocks(server) {
        let mut bytes = fs::read(&path).expect("read");
        let at = bytes
            .windows(word.len())
            .position(|it| it == word.as_bytes());
        if let Some(at) = at {
            bytes[at + word.len() - 1] ^= 1;
            fs::write(&path, bytes).expect("written");
            return;
        }
    }
    panic!("{word} is in no file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_untouched_log_holds_after_a_restart() {
    let (mut server, against, _) = signed().await;
    server.restart().expect("it restarts");
    let log = open(&server, Role::Analyst).await;
    let proof = proven(&log, &against).await;
    assert!(proof.holds(), "{:#?}", proof.findings);
    assert_eq!((proof.commits, proof.checkpoints), (51, 1));
    assert_eq!(proof.covered, Position(40));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_is_found_and_named() {
    let (mut server, against, _) = signed().await;
    server.stop();
    flip(&server, "entry 17");
    server.restart().expect("it restarts");
    let log = open(&server, Role::Analyst).await;
    let told = found(&log, &against).await;
    // The server passes over what its own checksum does not fit.
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].starts_with("position 17 is missing"), "{told:#?}");
    assert!(told[1].contains("position 41, log_checkpoint"), "{told:#?}");
    assert!(told[1].contains("that it covers are missing"), "{told:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tail_that_was_cut_off_in_a_file_is_found() {
    let (mut server, against, _) = signed().await;
    server.stop();
    for path in blocks(&server) {
        let bytes = fs::read(&path).expect("read");
        fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    }
    server.restart().expect("it restarts");
    let log = open(&server, Role::Analyst).await;
    // The server knows that there was more, and has nothing of it.
    assert_eq!(log.head().await.expect("a head").position, Position(51));
    let told = found(&log, &against).await;
    assert!(
        told[0].contains("is missing, with everything up to position 51"),
        "{told:#?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_put_back_is_found_by_a_checkpoint_that_was_kept() {
    let (mut server, mut against, key) = signed().await;
    let log = log_folder(&server);
    let before = tempfile::tempdir().expect("a folder");
    server.stop();
    copy(&log, before.path());
    server.restart().expect("it restarts");
    let owner = open(&server, Role::Owner).await;
    owner.append(task(None, 51)).await.expect("stored");
    let at = sign(&owner, &[&key]).await;
    let entries = entries(&owner).await;
    let (kept, _) = checkpoint_of(&entries[at.0 as usize - 1]).expect("a checkpoint");
    let kept = note_of(kept);
    server.stop();
    fs::remove_dir_all(&log).expect("removed");
    copy(before.path(), &log);
    server.restart().expect("it restarts");
    let log = open(&server, Role::Analyst).await;
    // The log itself has nothing to say against that.
    assert_eq!(found(&log, &against).await, Vec::<String>::new());
    against.checkpoints.push(kept);
    let told = found(&log, &against).await;
    assert_eq!(told.len(), 1, "{told:#?}");
    let wanted = "covers 52 commits, but the log ends at 51: its tail was removed";
    assert!(told[0].contains(wanted), "{told:#?}");
}

/// Where the server keeps the log.
fn log_folder(server: &Nats) -> PathBuf {
    let block = blocks(server).into_iter().next().expect("a block");
    block.ancestors().nth(2).expect("a folder").to_owned()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("read").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}
