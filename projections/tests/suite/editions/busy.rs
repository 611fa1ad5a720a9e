//! Exchanges while everybody is at work.
//!
//! Invariant: no read fails, no position goes backwards, and what was acknowledged is read by
//! whoever waits for it.

use std::{sync::Arc, time::Duration};

use ::event_log::SharedLog;
use projections::{
    Freshness, PageRequest, Sort, Store, StoreError, event_log, jobs, resources, run, stats, tasks,
};
use schemas::{Commit, Position, domain::Timestamp};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{found, holds, rebuilt, rolled_back, swapped};
use crate::{
    database::Database,
    world::{TENANTS, World},
};

/// How long a read waits for a connection before it fails, in milliseconds.
const CONNECTS_MS: u64 = 2_000;

/// Something happens every other millisecond until `end`; each commit is told to `written`.
async fn write(
    mut world: World,
    end: CancellationToken,
    written: mpsc::UnboundedSender<Commit>,
) -> World {
    while !end.is_cancelled() {
        let before = world.head().await;
        world.step().await;
        for entry in world.entries(before).await {
            if let ::event_log::Entry::Commit(commit) = entry {
                written.send(commit).expect("somebody listens");
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    world
}

/// What is answered. After an exchange readers connect anew, and a machine too busy for that is
/// asked again: that no exchange keeps readers so long is told by the exchanges.
macro_rules! answered {
    ($ask:expr) => {{
        let mut tries = 0;
        loop {
            match $ask.await {
                Err(StoreError::Unavailable(reason))
                    if reason.contains("pool timed out") && tries < 10 =>
                {
                    tries += 1;
                }
                answer => break answer.expect("no failed read"),
            }
        }
    }};
}

/// Waits for each commit and reads it; says how many there were.
async fn check(store: Store, mut written: mpsc::UnboundedReceiver<Commit>) -> usize {
    let freshness = Freshness::watch(&store);
    let mut count = 0;
    while let Some(Commit {
        stream,
        meta,
        position,
        ..
    }) = written.recv().await
    {
        let reached = freshness.wait_for(position, Duration::from_secs(5)).await;
        reached.expect("in time");
        let (kind, id) = (stream.kind, stream.id);
        let (tenant, most) = (stream.tenant, 1_000);
        let events = answered!(event_log::of_aggregate(
            &store, tenant, kind, id, None, most
        ));
        assert!(events.position >= position);
        let mut versions = events.value.items.iter().map(|event| event.streamrevision);
        assert!(
            versions.any(|version| version == meta.version.0),
            "{stream:?}"
        );
        count += 1;
    }
    count
}

/// Asks one question after the other until `end`; says how many.
async fn read(store: Store, now: Timestamp, end: CancellationToken) -> usize {
    let (mut last, mut count) = (Position(0), 0);
    macro_rules! page {
        ($model:ident) => {{
            let (filter, page) = (
                $model::Filter::default(),
                PageRequest::first(Sort::default(), 50),
            );
            answered!($model::list(&store, TENANTS[count % 2], &filter, &page)).position
        }};
    }
    while !end.is_cancelled() {
        let figures = answered!(stats::get(&store, TENANTS[count % 2], now)).position;
        for position in [figures, page!(jobs), page!(resources), page!(tasks)] {
            assert!(position >= last, "{position} after {last}");
            last = position;
            count += 1;
        }
    }
    count
}

/// Rebuilds while there is writing, from which nothing differs: both are seen at one position,
/// which is later than where the log was when it began.
async fn rebuilt_alike(database: &Database, log: &SharedLog) {
    let before = log.head().await.expect("a head").position;
    let built = rebuilt(database, log).await;
    let after = log.head().await.expect("a head").position;
    let differ = built.would_change;
    assert!(differ.is_empty(), "{differ}");
    assert_eq!(differ.positions, (built.position, built.position));
    assert!(differ.rows > 2_000, "{}", differ.rows);
    assert!(before < built.position && built.position <= after);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn editions_are_exchanged_while_all_is_read_and_written() {
    let world = World::random(41, 2_000).await;
    let database = Arc::new(Database::new().await);
    database.project(&world, 500).await;
    let (log, now) = (world.shared(), world.now());
    let end = CancellationToken::new();
    let projecting = tokio::spawn(run(log.clone(), database.writer.clone(), end.clone()));
    let stop = CancellationToken::new();
    let (sender, receiver) = mpsc::unbounded_channel();
    let writing = tokio::spawn(write(world, stop.clone(), sender));
    let checking = tokio::spawn(check(database.again().await, receiver));
    let other = database.again().await;
    let mut reading = Vec::new();
    for store in [&database.store, &database.store, &other, &other] {
        reading.push(tokio::spawn(read(store.clone(), now, stop.clone())));
    }

    rebuilt_alike(&database, &log).await;
    let mut exchanged = vec![swapped(&database, &log).await];
    exchanged.push(rolled_back(&database, &log).await);
    exchanged.push(rolled_back(&database, &log).await);
    rebuilt_alike(&database, &log).await;
    exchanged.push(swapped(&database, &log).await);
    println!("{exchanged:#?}");
    for (one, next) in exchanged.iter().zip(&exchanged[1..]) {
        assert!(one.position <= next.position && one.generation < next.generation);
    }

    assert!(exchanged.iter().all(|one| one.waited_ms < CONNECTS_MS));

    stop.cancel();
    let world = writing.await.expect("no panic");
    assert!(checking.await.expect("every commit was read") > 200);
    for reading in reading {
        assert!(reading.await.expect("every read was answered") > 100);
    }
    let freshness = Freshness::watch(&database.store);
    let head = world.head().await;
    let reached = freshness.wait_for(head, Duration::from_secs(10)).await;
    reached.expect("in time");
    assert!(holds(&database, &world).await);
    assert_eq!(found(&database).await.len(), 2);
    end.cancel();
    projecting.await.expect("no panic").expect("in good order");
    database.is_rebuilt_alike(&log).await;
}
