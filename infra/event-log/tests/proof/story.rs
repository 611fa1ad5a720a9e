//! Logs to prove: the same commits again and again, signed along the way.
//!
//! Invariant: the same story gives the same commits, but for the signatures.

use domain::{
    Actor, AggregateKind, CommandId, TenantId, Timestamp,
    log_checkpoint::{LogCheckpointEvent, LogCheckpointSigned},
};
use event_log::{
    Against, Checkpoint, Commit, Entry, EventLog, Finding, Frontier, Hash, MemoryLog, Meta,
    NewCommit, Position, Proof, SignedNote, SigningKey, StreamId, Version, checkpoints, leaf,
    origin, prove, seal,
};
use futures::StreamExt as _;
use schemas::catalogue;
use uuid::Uuid;

/// What the logs in memory are called.
pub const NAME: &str = "1800000000000000000";
/// How often the story is signed.
pub const EVERY: u64 = 10;

/// A key to sign with.
pub fn key(name: &str) -> SigningKey {
    let pkcs8 = SigningKey::generate().expect("a key");
    SigningKey::new(name, &pkcs8).expect("a key")
}

/// A key that may sign the logs in memory.
pub fn own_key() -> SigningKey {
    key(&origin(NAME))
}

/// The commit after `last` of `stream`, which says `payload`.
pub fn after(last: Option<&Commit>, stream: StreamId, payload: Vec<u8>) -> NewCommit {
    let version = last.map_or(0, |last| last.meta.version.0) + 1;
    let command = Uuid::from_u128(u128::from(version) << 64 | stream.id.as_u128());
    let mut meta = Meta {
        actor: Actor::System("proof".into()),
        causation: None,
        command: CommandId::new(command),
        correlation: command,
        fingerprint: None,
        hash: Hash::ZERO,
        previous: last.map_or(Hash::ZERO, |last| last.meta.hash),
        time: Timestamp::from_unix_ms(1_800_000_000_000),
        traceparent: None,
        version: Version(version),
    };
    meta.hash = seal(stream, &meta, &payload);
    NewCommit {
        expected: last.map_or(Position(0), |last| last.position),
        meta,
        payload,
        stream,
    }
}

/// A task's commit.
pub fn task(last: Option<&Commit>, id: u128) -> NewCommit {
    let stream = StreamId {
        tenant: TenantId::new(Uuid::from_u128(1)),
        kind: AggregateKind::Task,
        id: Uuid::from_u128(id),
    };
    let payload = format!(
        r#"{{"events":[{{"type":"task.requeued","v":1,"data":{{"note":"entry {id}"}}}}]}}"#
    );
    after(last, stream, payload.into_bytes())
}

/// Signs everything in `log` with `keys`, the current one first.
pub async fn sign(log: &dyn EventLog, keys: &[&SigningKey]) -> Position {
    let entries = entries(log).await;
    let mut tree = Frontier::default();
    for entry in &entries {
        tree.push(&leaf(entry).0);
    }
    let last = entries.iter().rev().find_map(checkpoint_of);
    let previous = last.map(|(_, said)| (said.size, said.root));
    let incarnation = log.head().await.expect("a head").incarnation;
    let said = Checkpoint::of(origin(&incarnation), &tree, previous);
    let signed = LogCheckpointSigned {
        frontier: tree.roots().iter().map(Hash::to_string).collect(),
        keys: keys.iter().map(|key| key.verifier().to_string()).collect(),
        note: SignedNote::sign(said.to_string(), keys).to_string(),
        previous: previous.map_or(0, |(size, _)| size),
        root: said.root.to_string(),
        size: said.size,
    };
    let payload = catalogue::encode(&[LogCheckpointEvent::Signed(signed)]);
    let last = entries.iter().rev().find_map(checkpoint_of);
    let next = after(last.map(|(commit, _)| commit), checkpoints(), payload);
    log.append(next).await.expect("stored")
}

/// The checkpoint that an entry is.
pub fn checkpoint_of(entry: &Entry) -> Option<(&Commit, Checkpoint)> {
    let Entry::Commit(commit) = entry else {
        return None;
    };
    (commit.stream == checkpoints()).then(|| {
        let note = note_of(commit);
        let said = note.unverified().parse().expect("a checkpoint");
        (commit, said)
    })
}

/// The note of a checkpoint's commit.
pub fn note_of(commit: &Commit) -> SignedNote {
    let events = catalogue::decode::<LogCheckpointEvent>(&commit.payload);
    let LogCheckpointEvent::Signed(signed) = events.expect("decoded").remove(0);
    signed.note.parse().expect("a note")
}

/// Everything in `log`.
pub async fn entries(log: &dyn EventLog) -> Vec<Entry> {
    let head = log.head().await.expect("a head").position;
    let parts = log.scan(Position(0), head).await.expect("scanned");
    let parts: Vec<_> = parts.map(|part| part.expect("read")).collect().await;
    parts.concat()
}

/// A log of `commits` tasks that is signed every [`EVERY`] commits, the last time before its end.
pub async fn told(commits: u64, key: &SigningKey) -> MemoryLog {
    let log = MemoryLog::new(NAME);
    for id in 1..=commits {
        log.append(task(None, id.into())).await.expect("stored");
        if id % EVERY == 0 {
            sign(&log, &[key]).await;
        }
    }
    log
}

/// A log in memory that holds `entries` as they are.
pub async fn copied(entries: &[Entry]) -> MemoryLog {
    let log = MemoryLog::new(NAME);
    let mut last = std::collections::HashMap::new();
    for entry in entries {
        let Entry::Commit(commit) = entry.clone() else {
            panic!("only commits can be copied");
        };
        let expected = last.get(&commit.stream).copied().unwrap_or(Position(0));
        let copy = NewCommit {
            expected,
            meta: commit.meta,
            payload: commit.payload,
            stream: commit.stream,
        };
        last.insert(commit.stream, log.append(copy).await.expect("stored"));
    }
    log
}

/// What a walk over `log` finds.
pub async fn proven(log: &dyn EventLog, against: &Against) -> Proof {
    prove(log, against, |_, _| {}).await.expect("walked")
}

/// What it finds, as told.
pub async fn found(log: &dyn EventLog, against: &Against) -> Vec<String> {
    let proof = proven(log, against).await;
    proof.findings.iter().map(Finding::to_string).collect()
}
