//! What an exchange keeps: the audit, and everything if it is broken off.
//!
//! Invariant: until the transaction is committed what is live is what it was.

use std::time::Duration;

use projections::{audit, editions::swap};
use sqlx::{Connection as _, PgConnection};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{found, holds, rebuilt, rolled_back, swapped};
use crate::{
    audit::{append, rows, stream},
    database::{Database, poll},
    world::{TENANTS, World},
};

/// The session of whoever exchanges editions, once it waits for a lock of `mode`.
async fn waits(connection: &mut PgConnection, mode: &str) -> i32 {
    poll(async || {
        let ask = "select pid from pg_locks where not granted and mode = $1 and locktype = \
                   'relation' and database = (select oid from pg_database where datname = \
                   current_database())";
        let asked = sqlx::query_scalar(ask).bind(mode);
        asked.fetch_optional(&mut *connection).await.expect("asked")
    })
    .await
}

#[tokio::test]
async fn a_swap_that_is_killed_changes_nothing_and_another_succeeds() {
    let world = World::random(31, 300).await;
    let database = Database::new().await;
    database.project(&world, 100).await;
    rebuilt(&database, &world.shared()).await;
    let before = database.digests("app").await;
    let (log, owner, writer) = (
        world.shared(),
        database.owner.clone(),
        database.writer.clone(),
    );
    let swapping = tokio::spawn(async move { swap(&log, &owner, &writer, |_| {}).await });

    // Somebody reads for long: it waits at its last lock, with all but that done.
    let mut reader = database.sql().await;
    let mut reading = reader.begin().await.expect("begun");
    let read = "select position from checkpoint";
    sqlx::query(read)
        .execute(&mut *reading)
        .await
        .expect("read");
    let mut beside = database.sql().await;
    let pid = waits(&mut beside, "AccessExclusiveLock").await;
    let kill = sqlx::query("select pg_terminate_backend($1)").bind(pid);
    kill.execute(&mut beside).await.expect("killed");
    let ended = swapping.await.expect("no panic");
    assert!(ended.is_err(), "{ended:?}");
    reading.rollback().await.expect("ended");
    assert_eq!(before, database.digests("app").await);
    assert_eq!(found(&database).await.len(), 2);
    reads(&database, &world).await;

    swapped(&database, &world.shared()).await;
    assert!(holds(&database, &world).await);
}

#[tokio::test]
async fn a_swap_waits_for_who_reads_and_lets_others_read_meanwhile() {
    let world = World::random(32, 300).await;
    let database = Database::new().await;
    database.project(&world, 100).await;
    rebuilt(&database, &world.shared()).await;
    let (log, owner, writer) = (
        world.shared(),
        database.owner.clone(),
        database.writer.clone(),
    );
    let mut reader = database.sql().await;
    let mut reading = reader.begin().await.expect("begun");
    let read = "select position from checkpoint";
    sqlx::query(read)
        .execute(&mut *reading)
        .await
        .expect("read");
    let swapping = tokio::spawn(async move { swap(&log, &owner, &writer, |_| {}).await });
    let mut beside = database.sql().await;
    waits(&mut beside, "AccessExclusiveLock").await;
    for _ in 0..20 {
        reads(&database, &world).await;
    }
    assert!(!swapping.is_finished());
    assert_eq!(found(&database).await.len(), 2);
    reading.rollback().await.expect("ended");
    swapping.await.expect("no panic").expect("swapped");
    assert!(holds(&database, &world).await);
}

#[tokio::test]
async fn the_audit_moves_along_and_loses_nothing() {
    let nats = local::Nats::scratch().expect("a nats-server starts");
    let ([gateway, log], database) = (stream(&nats).await, Database::new().await);
    let world = World::random(33, 200).await;
    database.project(&world, 100).await;
    let end = CancellationToken::new();
    let running = audit::run(log, database.writer.clone(), end.clone());
    let running = tokio::spawn(running);
    let mut appended = 0;
    for round in 0..3 {
        let appending = async {
            for n in 0..40_u128 {
                let number = round * 40 + n;
                append(&gateway, TENANTS[0], &number.to_string(), &[number]).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let exchanging = async {
            if round == 1 {
                rolled_back(&database, &world.shared()).await;
            } else {
                rebuilt(&database, &world.shared()).await;
                swapped(&database, &world.shared()).await;
            }
        };
        tokio::join!(appending, exchanging);
        appended += 40;
        let found = rows(&database, appended).await;
        let ids: Vec<_> = found.iter().map(|(id, _)| *id).collect();
        let expected: Vec<_> = (0..appended as u128).map(Uuid::from_u128).collect();
        assert_eq!(ids, expected);
        let filter = audit::Filter::default();
        let listed = audit::list(&database.store, TENANTS[0], &filter, None, 1_000).await;
        assert_eq!(listed.expect("listed").value.items.len(), appended);
    }
    // It stands on nothing of what is kept.
    let drop = "drop schema app_previous cascade";
    sqlx::raw_sql(drop)
        .execute(&mut database.sql().await)
        .await
        .expect("dropped");
    append(&gateway, TENANTS[0], "last", &[120]).await;
    assert_eq!(rows(&database, 121).await.len(), 121);
    end.cancel();
    running.await.expect("no panic").expect("in good order");
    assert!(holds(&database, &world).await);
    let unaudited = "select count(*) from analytics.unaudited";
    super::count(&database, unaudited).await;
}

/// Reads as a gateway does.
async fn reads(database: &Database, world: &World) {
    let stats = projections::stats::get(&database.store, TENANTS[0], world.now()).await;
    assert_eq!(stats.expect("read").position, world.head().await);
}
