//! Commits to store, and one server for the whole suite.
//!
//! Invariant: each test writes to aggregates of its own, so tests share a server without meeting.

use std::sync::{
    LazyLock, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use domain::{Actor, AggregateKind, CommandId, TenantId, Timestamp};
use event_log::{
    Hash, JetStreamLog, Meta, NewCommit, Options, Position, Role, StreamId, Version, seal,
};
use local::{Nats, Scratch};
use secrecy::SecretString;
use uuid::Uuid;

static SERVER: LazyLock<Mutex<Scratch<Nats>>> =
    LazyLock::new(|| Mutex::new(Nats::scratch().expect("a nats-server starts")));
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A log on the shared server, as the one role that writes and follows.
pub async fn jetstream() -> JetStreamLog {
    jetstream_as(Role::Scheduler).await
}

/// A log on the shared server, as `role`.
pub async fn jetstream_as(role: Role) -> JetStreamLog {
    let options = {
        let server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
        [Role::Owner, role].map(|role| options(&server, role))
    };
    opened(options).await
}

/// A log on `server`, as `role`.
pub async fn open(server: &Nats, role: Role) -> JetStreamLog {
    opened([Role::Owner, role].map(|role| options(server, role))).await
}

/// The owner makes what is missing; then who is meant looks.
async fn opened([owner, role]: [Options; 2]) -> JetStreamLog {
    JetStreamLog::open(&owner).await.expect("the owner's log");
    JetStreamLog::open(&role).await.expect("the log opens")
}

/// How to open a log on `server` as `role`.
pub fn options(server: &Nats, role: Role) -> Options {
    Options {
        accept_interval_sync: false,
        group_commit: true,
        monitor_url: server.monitor_url(),
        replicas: 1,
        role,
        url: SecretString::from(server.url_of(role.user()).expect("a password")),
    }
}

/// An aggregate that no other test knows.
pub fn stream() -> StreamId {
    StreamId {
        tenant: TenantId::new(Uuid::from_u128(1)),
        kind: AggregateKind::Task,
        id: Uuid::from_u128(NEXT.fetch_add(1, Ordering::Relaxed).into()),
    }
}

/// The commit that makes `version` of `stream` after the one at `expected`.
pub fn commit(stream: StreamId, expected: Position, version: u64) -> NewCommit {
    let payload = br#"{"events":[{"type":"task.requeued","v":1,"data":{}}]}"#.to_vec();
    let command = Uuid::from_u128((1 << 80) | u128::from(NEXT.fetch_add(1, Ordering::Relaxed)));
    let mut meta = Meta {
        actor: Actor::System("contract".into()),
        causation: None,
        command: CommandId::new(command),
        correlation: command,
        fingerprint: None,
        hash: Hash::ZERO,
        previous: Hash::ZERO,
        time: Timestamp::from_unix_ms(1_800_000_000_000),
        traceparent: None,
        version: Version(version),
    };
    meta.hash = seal(stream, &meta, &payload);
    NewCommit {
        expected,
        meta,
        payload,
        stream,
    }
}

/// First commits of `count` new aggregates.
pub fn births(count: usize) -> Vec<NewCommit> {
    (0..count)
        .map(|_| commit(stream(), Position(0), 1))
        .collect()
}
