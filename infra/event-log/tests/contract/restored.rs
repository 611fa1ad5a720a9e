//! The clauses about entries of another log, for a log that is empty.
//!
//! Invariant: what is restored is compared with what it was restored from, part by part.

use event_log::{
    AppendError, Entry, EventLog, Frontier, Hash, Position, ReadFrom, Role, Unreadable, leaf, seal,
};
use futures::StreamExt as _;

use crate::fixture::{births, commit, open, stream};

/// A log of which some aggregates have several commits, next to each other and apart.
fn history(length: u64) -> Vec<Entry> {
    let streams: Vec<_> = (0..5).map(|_| stream()).collect();
    let mut last = [(Hash::ZERO, 0); 5];
    let entries = (1..=length).map(|position| {
        let at = (position / 3 % 5) as usize;
        let (previous, version) = last[at];
        let mut commit = commit(streams[at], Position(0), version + 1);
        commit.meta.previous = previous;
        commit.meta.hash = seal(streams[at], &commit.meta, &commit.payload);
        last[at] = (commit.meta.hash, version + 1);
        Entry::Commit(commit.stored_at(Position(position)))
    });
    entries.collect()
}

async fn all(log: &dyn EventLog) -> Vec<Entry> {
    let head = log.head().await.expect("a head").position;
    let parts = log.scan(Position(0), head).await.expect("scanned");
    let parts: Vec<_> = parts.map(|part| part.expect("read")).collect().await;
    parts.concat()
}

fn root(entries: &[Entry]) -> Hash {
    let mut tree = Frontier::default();
    for entry in entries {
        tree.push(&leaf(entry).0);
    }
    tree.root()
}

pub async fn a_log_is_restored_at_the_same_places(log: &dyn EventLog) {
    let wanted = history(1_202);
    for part in [0..1_000, 1_000..1_201, 1_201..1_202] {
        log.restore(wanted[part].to_vec()).await.expect("restored");
    }
    let found = all(log).await;
    assert_eq!(found, wanted);
    assert_eq!(root(&found), root(&wanted));
    // And it goes on as any log does.
    let Entry::Commit(last) = &wanted[1_201] else {
        panic!("a commit");
    };
    let stale = log.append(commit(last.stream, Position(0), 9)).await;
    assert!(matches!(stale, Err(AppendError::Conflict)), "{stale:?}");
    let next = commit(last.stream, last.position, last.meta.version.0 + 1);
    assert_eq!(log.append(next).await.expect("stored"), Position(1_203));
    let loaded = log.load(last.stream, Position(0), ReadFrom::Leader).await;
    assert_eq!(
        loaded.expect("loaded").len() as u64,
        last.meta.version.0 + 1
    );
}

pub async fn nothing_is_restored_where_it_does_not_belong(log: &dyn EventLog) {
    let wanted = history(20);
    let mut altered = wanted[..5].to_vec();
    if let Entry::Commit(commit) = &mut altered[3] {
        commit.payload.push(b' ');
    }
    let gap = [&wanted[..2], &wanted[3..5]].concat();
    for refused in [Vec::new(), altered, gap, history(1_001)] {
        let outcome = log.restore(refused).await;
        assert!(
            matches!(outcome, Err(AppendError::Refused(_))),
            "{outcome:?}"
        );
    }
    let early = log.restore(wanted[3..5].to_vec()).await;
    assert!(matches!(early, Err(AppendError::Conflict)), "{early:?}");
    log.restore(wanted[..5].to_vec()).await.expect("restored");
    for late in [0..5, 4..6, 6..9] {
        let outcome = log.restore(wanted[late].to_vec()).await;
        assert!(matches!(outcome, Err(AppendError::Conflict)), "{outcome:?}");
    }
    log.append(births(1).remove(0)).await.expect("stored");
    let behind = log.restore(wanted[5..9].to_vec()).await;
    assert!(matches!(behind, Err(AppendError::Conflict)), "{behind:?}");
    assert_eq!(log.head().await.expect("a head").position, Position(6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_commit_is_restored_too() {
    let server = local::Nats::scratch().expect("a nats-server starts");
    let log = open(&server, Role::Owner).await;
    let mut wanted = history(3);
    let odd = |subject: &str| {
        Entry::Unreadable(Unreadable {
            position: Position(2),
            subject: subject.to_owned(),
            payload: b"\xff".to_vec(),
            reason: "no headers".to_owned(),
        })
    };
    wanted[1] = odd("events.x.y");
    let refused = log.restore(wanted.clone()).await;
    assert!(
        matches!(refused, Err(AppendError::Refused(_))),
        "{refused:?}"
    );
    wanted[1] = odd("events.x.y.z");
    log.restore(wanted.clone()).await.expect("restored");
    let found = all(&log).await;
    assert!(matches!(found[1], Entry::Unreadable(_)), "{:?}", found[1]);
    assert_eq!(root(&found), root(&wanted));
}
