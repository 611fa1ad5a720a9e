//! What only a real server can be tested for: restarts, kills, unsafe configurations, the vault
//! and the work queue.
//!
//! Invariant: each test that disturbs a server has one of its own.

use std::time::Duration;

use domain::{TaskId, TenantId, task::Priority};
use event_log::{
    AppendError, AuditLog, AuditOptions, EventLog as _, JetStreamLog, LogError, OpenError,
    Position, ReadFrom, Role, Vault, VaultError, Version, WorkItem, WorkQueue,
};
use futures::{StreamExt as _, TryStreamExt as _, future::join_all};
use local::{Nats, NatsOptions, Sync};
use runtime::Clock;
use uuid::Uuid;

use crate::fixture::{births, jetstream, jetstream_as, open, options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill() {
    let mut server = Nats::scratch().expect("a nats-server starts");
    let log = open(&server, Role::Scheduler).await;
    let commits = births(100);
    let stored = join_all(commits.iter().map(|commit| log.append(commit.clone()))).await;
    let before = log.head().await.expect("a head");
    server.kill();
    let refused = log.append(births(1).remove(0)).await;
    assert!(refused.is_err(), "{refused:?}");
    server.restart().expect("it restarts");
    let log = open(&server, Role::Scheduler).await;
    let after = log.head().await.expect("a head");
    assert_eq!(after.incarnation, before.incarnation);
    assert!(after.position >= before.position);
    for (commit, position) in commits.into_iter().zip(stored) {
        let found = log
            .load(commit.stream, Position(0), ReadFrom::Leader)
            .await
            .expect("loaded");
        assert_eq!(found, [commit.stored_at(position.expect("stored"))]);
    }
}

/// Between which positions nothing is, if that is what is wrong.
const fn gap(wrong: &LogError) -> Option<(u64, u64)> {
    match wrong {
        LogError::Gap { after, found } => Some((after.0, found.0)),
        _ => None,
    }
}

/// Whoever may follow reads by a consumer, others by direct gets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_is_whole_or_tells_what_is_missing() {
    let server = Nats::scratch().expect("a nats-server starts");
    let owner = open(&server, Role::Owner).await;
    for _ in 0..6 {
        owner.append_all(births(1_000)).await.expect("stored");
    }
    for role in [Role::Owner, Role::Analyst] {
        let log = open(&server, role).await;
        let parts = log.scan(Position(0), Position(6_000)).await;
        let parts: Vec<_> = parts.expect("scanned").try_collect().await.expect("read");
        let positions = parts.concat().into_iter().map(|entry| entry.position().0);
        assert!(positions.eq(1..=6_000), "{role:?}");
        let parts = log
            .scan(Position(5_990), Position(6_003))
            .await
            .expect("scanned");
        let parts: Vec<_> = parts.collect().await;
        let (rest, wrong) = (&parts[0], parts.last().expect("a gap"));
        let rest = rest.as_ref().expect("those that are there");
        assert_eq!(rest.len(), 10, "{role:?}");
        let wrong = wrong.as_ref().expect_err("a gap");
        assert_eq!(gap(wrong), Some((6_000, 6_004)), "{role:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_syncs_at_intervals_is_refused_unless_accepted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut wanted = NatsOptions::new(folder.path().join("nats"));
    wanted.password = true;
    wanted.sync = Sync::Interval;
    let server = Nats::start(wanted).expect("a nats-server starts");
    let refused = JetStreamLog::open(&options(&server, Role::Owner))
        .await
        .err();
    assert!(
        matches!(refused, Some(OpenError::SyncNotAlways)),
        "{refused:?}"
    );
    let accepted = event_log::Options {
        accept_interval_sync: true,
        ..options(&server, Role::Owner)
    };
    JetStreamLog::open(&accepted).await.expect("the log opens");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_forgets_is_refused() {
    let server = Nats::scratch().expect("a nats-server starts");
    let config = async_nats::jetstream::stream::Config {
        name: "EVENTS".into(),
        subjects: vec!["events.>".into()],
        max_age: Duration::from_hours(1),
        ..Default::default()
    };
    let jetstream = jetstream_of(&server).await;
    jetstream.create_stream(config).await.expect("created");
    let refused = JetStreamLog::open(&options(&server, Role::Owner))
        .await
        .err();
    let words = refused.map(|reason| reason.to_string()).unwrap_or_default();
    for rule in [
        "max_age in seconds must be 0",
        "discard must be new",
        "deny_delete must be on",
    ] {
        assert!(words.contains(rule), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_login_opens_nothing() {
    let server = Nats::scratch().expect("a nats-server starts");
    let login = server
        .url()
        .rsplit_once('@')
        .map(|(_, host)| format!("nats://eve:eve@{host}"));
    let url = secrecy::SecretString::from(login.expect("the server wants a login"));
    let stranger = event_log::Options {
        url,
        ..options(&server, Role::Owner)
    };
    let refused = JetStreamLog::open(&stranger).await.err();
    assert!(
        matches!(refused, Some(OpenError::Unreachable(_))),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_created_without_leave() {
    let server = Nats::scratch().expect("a nats-server starts");
    let strict = options(&server, Role::Scheduler);
    let refused = JetStreamLog::open(&strict).await.err();
    assert!(
        matches!(refused, Some(OpenError::Missing(_))),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_vault_opens_only_with_its_key_and_under_its_name() {
    let log = jetstream_as(Role::Gateway).await;
    let vault = Vault::open(&log, &[7; 32]).await.expect("a vault");
    let name = format!("test.{}", Uuid::from_u128(1));
    assert!(vault.get(&name).await.expect("read").is_none());
    vault.create(&name, b"secret").await.expect("created");
    assert_eq!(
        vault.create(&name, b"other").await,
        Err(VaultError::Conflict)
    );
    let found = vault.get(&name).await.expect("read").expect("there");
    assert_eq!(found.value, b"secret");
    vault
        .replace(&name, b"newer", found.revision)
        .await
        .expect("replaced");
    let stale = vault.replace(&name, b"stale", found.revision).await;
    assert_eq!(stale, Err(VaultError::Conflict));
    let stranger = Vault::open(&log, &[8; 32]).await.expect("a vault");
    assert!(matches!(
        stranger.get(&name).await,
        Err(VaultError::Sealed(_))
    ));
    vault.delete(&name).await.expect("deleted");
    assert!(vault.get(&name).await.expect("read").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_vault_is_found_by_who_looks_after_it() {
    let log = jetstream_as(Role::Gateway).await;
    let vault = Vault::open(&log, &[7; 32]).await.expect("a vault");
    let test = Uuid::new_v5(&Uuid::nil(), b"changes");
    let (pattern, name) = (format!("{test}.*"), format!("{test}.one"));
    let next = async |after| vault.next(&pattern, after).await.expect("read");
    assert!(next(0).await.is_none());
    vault.put(&name, b"first").await.expect("kept");
    vault.put(&format!("{test}.a.b"), b"").await.expect("kept");
    let first = next(0).await.expect("a change");
    assert_eq!(
        (first.name, first.value),
        (name.clone(), Some(b"first".to_vec()))
    );
    assert!(next(first.revision).await.is_none());
    vault.delete(&name).await.expect("deleted");
    let gone = next(first.revision).await.expect("a change");
    assert_eq!((gone.name, gone.value), (name, None));
    assert!(next(gone.revision).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_with_an_end_is_gone_after_it() {
    let log = jetstream_as(Role::Gateway).await;
    let vault = Vault::open(&log, &[7; 32]).await.expect("a vault");
    let name = format!("{}.ends", Uuid::new_v5(&Uuid::nil(), b"ends"));
    let (soon, late) = (Duration::from_secs(1), Duration::from_hours(1));
    vault.create_for(&name, b"first", late).await.expect("kept");
    let again = vault.create_for(&name, b"other", late).await;
    assert_eq!(again, Err(VaultError::Conflict));
    let found = vault.get(&name).await.expect("read").expect("there");
    let replaced = vault.replace_for(&name, b"newer", found.revision, soon);
    replaced.await.expect("replaced");
    let stale = vault.replace_for(&name, b"stale", found.revision, soon);
    assert_eq!(stale.await, Err(VaultError::Conflict));
    let began = std::time::Instant::now();
    while vault.get(&name).await.expect("read").is_some() {
        assert!(began.elapsed() < Duration::from_secs(20), "still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// As one of an earlier version was made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_in_which_nothing_ends_is_mended_by_who_may_create() {
    let server = Nats::scratch().expect("a nats-server starts");
    let config = async_nats::jetstream::kv::Config {
        bucket: "vault".into(),
        ..Default::default()
    };
    let jetstream = jetstream_of(&server).await;
    jetstream.create_key_value(config).await.expect("created");
    let log = open(&server, Role::Owner).await;
    let vault = Vault::open(&log, &[7; 32]).await.expect("a vault");
    let kept = vault.put_for("a.b", b"c", Duration::from_hours(1)).await;
    kept.expect("kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_is_delivered_until_it_is_done() {
    let dispatcher = WorkQueue::new(&jetstream().await);
    let queue = WorkQueue::new(&jetstream_as(Role::Worker).await);
    let item = WorkItem {
        attempt: 1,
        kind: "echo".to_owned(),
        task: TaskId::new(Uuid::from_u128(1)),
        tenant: TenantId::new(Uuid::from_u128(2)),
        version: Version(1),
    };
    let begun = Clock::system().now();
    let pushed = dispatcher.push(Priority::High, &item).await;
    pushed.expect("pushed");
    dispatcher
        .push(Priority::High, &item)
        .await
        .expect("a repeat is dropped");
    let wait = Duration::from_secs(5);
    let first = queue.pull(Priority::High, wait).await.expect("pulled");
    let dropped = first.expect("a delivery");
    assert_eq!((&dropped.item, dropped.redelivered), (&item, 0));
    let queued_at = dropped.queued_at;
    assert!(begun <= queued_at && queued_at <= Clock::system().now());
    let later = Duration::from_millis(20);
    dropped.hand_back(later).await.expect("handed back");
    let second = queue.pull(Priority::High, wait).await.expect("pulled");
    let dropped = second.expect("a delivery");
    assert_eq!((&dropped.item, dropped.redelivered), (&item, 1));
    assert_eq!(dropped.queued_at, queued_at);
    drop(dropped);
    let third = queue.pull(Priority::High, wait).await.expect("pulled");
    let third = third.expect("a delivery");
    assert_eq!((&third.item, third.redelivered), (&item, 2));
    third.done().await.expect("done");
    let none = queue
        .pull(Priority::High, Duration::from_millis(200))
        .await
        .expect("pulled");
    assert!(none.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_gone_is_no_empty_queue() {
    let server = Nats::scratch().expect("a nats-server starts");
    let log = open(&server, Role::Worker).await;
    let queue = WorkQueue::new(&log);
    let wait = Duration::from_millis(200);
    let empty = queue.pull(Priority::Low, wait).await.expect("pulled");
    assert!(empty.is_none());
    jetstream_of(&server)
        .await
        .delete_stream("WORK")
        .await
        .expect("deleted");
    let gone = queue.pull(Priority::Low, wait).await;
    assert!(gone.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_full_server_refuses_as_a_batch_goes_singly() {
    let server = Nats::scratch().expect("a nats-server starts");
    let log = open(&server, Role::Scheduler).await;
    let raw = client_of(&server).await;
    // As many as a stream may have open at a time, none of them ever finished.
    for batch in 0..50 {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Nats-Batch-Id", format!("open-{batch}"));
        headers.insert("Nats-Batch-Sequence", "1");
        let subject = format!("events.open.{batch}");
        let opened = raw.request_with_headers(subject, headers, "".into()).await;
        assert!(opened.expect("an answer").payload.is_empty());
    }
    let refused = log.append_all(births(2)).await;
    assert!(
        matches!(refused, Err(AppendError::Unavailable(_))),
        "{refused:?}"
    );
    let outcomes = join_all(births(200).into_iter().map(|birth| log.append(birth))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monitor_of_another_server_proves_nothing() {
    let (server, other) = (Nats::scratch(), Nats::scratch());
    let (server, other) = (server.expect("it starts"), other.expect("it starts"));
    let mixed = event_log::Options {
        monitor_url: other.monitor_url(),
        ..options(&server, Role::Owner)
    };
    let refused = JetStreamLog::open(&mixed).await.err();
    assert!(
        matches!(refused, Some(OpenError::OtherMonitor(_))),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_that_forgets_is_refused() {
    let server = Nats::scratch().expect("a nats-server starts");
    let config = async_nats::jetstream::kv::Config {
        bucket: "vault".into(),
        max_age: Duration::from_hours(1),
        ..Default::default()
    };
    let jetstream = jetstream_of(&server).await;
    jetstream.create_key_value(config).await.expect("created");
    let refused = JetStreamLog::open(&options(&server, Role::Owner))
        .await
        .err();
    let words = refused.map(|reason| reason.to_string()).unwrap_or_default();
    assert!(
        words.contains("KV_vault") && words.contains("max_age"),
        "{words}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_keeps_each_batch_once_and_lets_none_be_taken_out() {
    let server = Nats::scratch().expect("a nats-server starts");
    let owner = open(&server, Role::Owner).await;
    let mut wanted = AuditOptions {
        create: false,
        keep: Duration::from_hours(48),
        max_bytes: 16 << 20,
        replicas: 1,
    };
    let missing = AuditLog::open(&owner, &wanted).await.err();
    assert!(
        matches!(missing, Some(OpenError::Missing(_))),
        "{missing:?}"
    );
    wanted.create = true;
    AuditLog::open(&owner, &wanted).await.expect("made");
    wanted.create = false;
    let written = open(&server, Role::Gateway).await;
    let written = AuditLog::open(&written, &wanted).await.expect("to write");
    let audit = open(&server, Role::Projector).await;
    let audit = AuditLog::open(&audit, &wanted).await.expect("to read");
    let tenant = TenantId::new(Uuid::from_u128(7));
    let other = TenantId::new(Uuid::from_u128(8));
    for (to, id, text) in [
        (tenant, "a", "one"),
        (tenant, "a", "one"),
        (other, "b", "two"),
    ] {
        let stored = written.append(to, id, text.into()).await;
        stored.expect("stored");
    }
    let first = audit.next(Position(0)).await.expect("read").expect("one");
    assert_eq!(
        (first.tenant, first.payload),
        (Some(tenant), b"one".to_vec())
    );
    let second = audit.next(first.position).await.expect("read");
    let second = second.expect("another");
    assert_eq!(
        (second.tenant, second.payload),
        (Some(other), b"two".to_vec())
    );
    let none = audit.next(second.position).await.expect("read");
    assert!(none.is_none(), "stored twice");
    let span = audit.span().await.expect("a span");
    assert_eq!((span.first, span.last), (Position(1), Position(2)));

    let stream = jetstream_of(&server).await.get_stream("AUDIT").await;
    let stream = stream.expect("there");
    assert!(stream.delete_message(1).await.is_err(), "taken out");
    assert!(stream.purge().await.is_err(), "emptied");

    wanted.keep = Duration::from_hours(72);
    wanted.create = false;
    let differs = AuditLog::open(&owner, &wanted).await.err();
    let words = differs.map(|reason| reason.to_string()).unwrap_or_default();
    assert!(words.contains("max_age"), "{words}");
    wanted.create = true;
    AuditLog::open(&owner, &wanted).await.expect("set up anew");
}

async fn client_of(server: &Nats) -> async_nats::Client {
    let address: async_nats::ServerAddr = server.url().parse().expect("an address");
    let login = address.username().zip(address.password()).expect("a login");
    let client = async_nats::ConnectOptions::with_user_and_password(login.0.into(), login.1.into());
    client.connect(address).await.expect("connected")
}

pub async fn jetstream_of(server: &Nats) -> async_nats::jetstream::Context {
    async_nats::jetstream::new(client_of(server).await)
}
