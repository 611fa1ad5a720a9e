//! Checkpoints, held against logs that were tampered with.
//!
//! Invariant: each tampering is done so well that hashes alone would not show it, where that can
//! be.

use event_log::{Against, Entry, EventLog as _, MemoryLog, Position, SigningKey, seal};

use crate::story::{copied, entries, found, key, note_of, own_key, proven, sign, task, told};

/// Which keys are trusted.
fn by(key: &SigningKey) -> Against {
    Against {
        checkpoints: Vec::new(),
        keys: vec![key.verifier()],
    }
}

/// What is found after `tamper` in the log whose checkpoints are at 11, 22 and 33.
async fn tampered(tamper: impl FnOnce(&mut Vec<Entry>)) -> Vec<String> {
    let key = own_key();
    let mut all = entries(&told(35, &key).await).await;
    tamper(&mut all);
    found(&copied(&all).await, &by(&key)).await
}

/// The commit at `position`, to be changed.
fn at(entries: &mut [Entry], position: usize) -> &mut event_log::Commit {
    match &mut entries[position - 1] {
        Entry::Commit(commit) => commit,
        Entry::Unreadable(_) => panic!("a commit"),
    }
}

#[tokio::test]
async fn a_signed_log_holds_by_its_keys_and_by_those_given() {
    let key = own_key();
    let log = told(35, &key).await;
    for against in [Against::default(), by(&key)] {
        let proof = proven(&log, &against).await;
        assert!(proof.holds(), "{:#?}", proof.findings);
        assert_eq!((proof.checkpoints, proof.covered), (3, Position(32)));
        assert_eq!(proof.keys, [key.verifier()]);
    }
}

#[tokio::test]
async fn a_commit_that_was_changed_and_sealed_anew_is_found() {
    let told = tampered(|all| {
        let commit = at(all, 15);
        commit.payload = commit.payload.iter().rev().copied().collect();
        commit.meta.hash = seal(commit.stream, &commit.meta, &commit.payload);
    });
    let told = told.await;
    // The one that covers it, and no other: what came later is held against what was signed.
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].starts_with("position 22, log_checkpoint"),
        "{told:?}"
    );
    assert!(told[0].contains("another root than the log"), "{told:?}");
}

#[tokio::test]
async fn commits_that_changed_places_are_found() {
    let told = tampered(|all| all.swap(14, 15)).await;
    assert!(told[0].contains("another root than the log"), "{told:?}");
}

#[tokio::test]
async fn a_checkpoint_of_another_key_is_found() {
    let (ours, theirs) = (own_key(), own_key());
    let log = told(15, &ours).await;
    sign(&log, &[&theirs]).await;
    let proof = found(&log, &by(&ours)).await;
    assert_eq!(proof.len(), 1, "{proof:#?}");
    assert!(
        proof[0].contains("position 17, log_checkpoint"),
        "{proof:?}"
    );
    assert!(proof[0].contains("signed by no trusted key"), "{proof:?}");
    // Whoever trusts what the log says is not taken in either: it began with ours.
    assert_eq!(found(&log, &Against::default()).await, proof);
    // A whole log by another key is found by those who know the key.
    let forged = found(&told(35, &theirs).await, &by(&ours)).await;
    assert_eq!(forged.len(), 3, "{forged:#?}");
}

#[tokio::test]
async fn a_signature_that_is_not_of_the_key_it_names_is_found() {
    let told = tampered(|all| {
        let forged = String::from_utf8(at(all, 22).payload.clone()).expect("text");
        let commit = at(all, 22);
        // The same size is claimed of another log's root: the text changes, the signature stays.
        commit.payload = forged
            .replacen("previous 10 ", "previous 10 A", 1)
            .into_bytes();
        commit.meta.hash = seal(commit.stream, &commit.meta, &commit.payload);
    });
    let told = told.await;
    assert!(
        told.iter()
            .any(|it| it.contains("position 22, log_checkpoint")),
        "{told:#?}"
    );
}

#[tokio::test]
async fn a_key_follows_another_that_vouches_for_it() {
    let (old, new) = (own_key(), own_key());
    let log = told(15, &old).await;
    sign(&log, &[&new, &old]).await;
    log.append(task(None, 1_000)).await.expect("stored");
    sign(&log, &[&new]).await;
    for against in [Against::default(), by(&old)] {
        let proof = proven(&log, &against).await;
        assert!(proof.holds(), "{:#?}", proof.findings);
        assert_eq!(proof.keys, [old.verifier(), new.verifier()]);
    }
    // The new key does not vouch for what the old one signed.
    assert_eq!(found(&log, &by(&new)).await.len(), 1);
}

#[tokio::test]
async fn a_checkpoint_that_was_taken_out_is_found() {
    let key = own_key();
    let mut all = entries(&told(35, &key).await).await;
    // Whoever can, seals the rest anew: the last checkpoint now follows the first.
    let (first, last) = (at(&mut all, 11).meta.clone(), at(&mut all, 33));
    last.meta.previous = first.hash;
    last.meta.version = first.version.next();
    last.meta.hash = seal(last.stream, &last.meta, &last.payload);
    all.remove(21);
    let told = found(&copied(&all).await, &by(&key)).await;
    assert!(
        told.iter()
            .any(|it| it.contains("does not name the checkpoint before it")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_removed_tail_is_found_by_a_checkpoint_that_was_kept() {
    let key = own_key();
    let all = entries(&told(35, &key).await).await;
    let Entry::Commit(last) = &all[32] else {
        panic!("a checkpoint");
    };
    let kept = Against {
        checkpoints: vec![note_of(last)],
        keys: vec![key.verifier()],
    };
    let whole = proven(&copied(&all).await, &kept).await;
    assert!(
        whole.holds() && whole.checkpoints == 4,
        "{:#?}",
        whole.findings
    );
    let shorter = copied(&all[..25]).await;
    assert_eq!(found(&shorter, &by(&key)).await, Vec::<String>::new());
    let told = found(&shorter, &kept).await;
    assert_eq!(
        told,
        [
            "position 32 has been given a checkpoint that covers 32 commits, but the log ends at \
             25: its tail was removed"
        ]
    );
    let elsewhere = MemoryLog::new("1");
    let told = found(&elsewhere, &kept).await;
    assert!(
        told[0].contains("is of another log, almanac/18"),
        "{told:?}"
    );
    let mut forged = kept.clone();
    forged.keys = vec![self::key(key.verifier().name()).verifier()];
    let told = found(&copied(&all).await, &forged).await;
    assert!(
        told.iter()
            .any(|it| it.contains("been given a checkpoint that is signed by no"))
    );
}

#[tokio::test]
async fn a_log_that_was_restored_keeps_its_checkpoints() {
    let (key, renamed) = (own_key(), self::key(&event_log::origin("7")));
    let all = entries(&told(35, &key).await).await;
    let Entry::Commit(last) = &all[32] else {
        panic!("a checkpoint");
    };
    let kept = Against {
        checkpoints: vec![note_of(last)],
        ..by(&key)
    };
    let log = MemoryLog::new("7");
    log.restore(all.clone()).await.expect("restored");
    // It is called otherwise now, and the key of the old name vouches for that of the new one.
    sign(&log, &[&renamed, &key]).await;
    log.append(task(None, 1_000)).await.expect("stored");
    sign(&log, &[&renamed]).await;
    for against in [Against::default(), by(&key), kept.clone()] {
        let proof = proven(&log, &against).await;
        assert!(proof.holds(), "{:#?}", proof.findings);
        assert_eq!(proof.keys, [key.verifier(), renamed.verifier()]);
    }
    // A name alone proves nothing.
    let mut altered = all;
    let commit = at(&mut altered, 15);
    commit.payload = commit.payload.iter().rev().copied().collect();
    commit.meta.hash = seal(commit.stream, &commit.meta, &commit.payload);
    let log = MemoryLog::new("7");
    log.restore(altered).await.expect("restored");
    let told = found(&log, &kept).await;
    assert!(told[0].contains("another root than the log"), "{told:?}");
}
