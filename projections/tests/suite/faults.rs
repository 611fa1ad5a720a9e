//! Postgres goes away and comes back.
//!
//! Invariant: the projector waits and goes on by itself, and nothing is lost or applied twice; who
//! asks meanwhile hears that Postgres is unavailable.

use std::time::Duration;

use projections::{Freshness, StoreError, run, tenants, verify};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    database::{Database, Urls},
    world::{TENANTS, World},
};

const LONG: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn killed_and_started_again_all_goes_on() {
    let server = tokio::task::spawn_blocking(local::Postgres::scratch);
    let mut server = server.await.expect("ran").expect("a server");
    let database = Database::at(Urls::of(&server, "almanac")).await;
    let mut world = World::random(31, 50).await;
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(run(
        world.shared(),
        database.writer.clone(),
        shutdown.clone(),
    ));
    let freshness = Freshness::watch(&database.again().await);
    freshness
        .wait_for(world.head().await, LONG)
        .await
        .expect("reached");

    for _ in 0..2 {
        server = blocking(server, local::Postgres::kill).await;
        let refused = tenants::get(&database.store, TENANTS[0], None).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{refused:?}"
        );
        for _ in 0..40 {
            world.step().await;
        }
        server = blocking(server, |server| server.restart().expect("started")).await;
        freshness
            .wait_for(world.head().await, LONG)
            .await
            .expect("reached");
    }
    shutdown.cancel();
    running.await.expect("ran").expect("ended in order");
    let verification = verify(&world.shared(), &database.overview)
        .await
        .expect("verified");
    assert!(verification.holds(), "{:#?}", verification.differences);
    assert_eq!(verification.position, world.head().await);
}

/// A server that hangs enforces no limit of its own.
#[tokio::test]
async fn a_read_ends_while_postgres_hangs() {
    let database = Database::new().await;
    let store = database.again().await;
    let mut sql = database.sql().await;
    let ask = "select pid from pg_stat_activity \
               where datname = current_database() and pid <> pg_backend_pid()";
    let sessions: Vec<i32> = sqlx::query_scalar(ask)
        .fetch_all(&mut sql)
        .await
        .expect("asked");
    assert!(!sessions.is_empty());
    signal("-STOP", &sessions);
    let reading = timeout(LONG, tenants::get(&store, TENANTS[0], None));
    let refused = reading.await.expect("it ended");
    signal("-CONT", &sessions);
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    tenants::get(&store, TENANTS[0], None)
        .await
        .expect("read again");
}

fn signal(name: &str, pids: &[i32]) {
    let mut kill = std::process::Command::new("kill");
    let sent = kill
        .arg(name)
        .args(pids.iter().map(i32::to_string))
        .status();
    assert!(sent.expect("kill runs").success());
}

async fn blocking(
    mut server: local::Scratch<local::Postgres>,
    act: impl FnOnce(&mut local::Postgres) + Send + 'static,
) -> local::Scratch<local::Postgres> {
    let acting = tokio::task::spawn_blocking(move || {
        act(&mut server);
        server
    });
    acting.await.expect("ran")
}
