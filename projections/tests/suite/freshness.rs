//! Waiting for what one wrote.
//!
//! Invariant: who was told that a position is reached reads at least that.

use std::time::Duration;

use projections::{Freshness, run, tenants};
use schemas::Position;
use tokio_util::sync::CancellationToken;

use crate::{
    database::{Database, poll},
    world::{TENANTS, World},
};

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn another_process_hears_of_each_position_and_reads_at_least_that() {
    let mut world = World::random(1, 10).await;
    let database = Database::new().await;
    // A store of its own shares nothing with the projector's but the database.
    let theirs = database.again().await;
    let freshness = Freshness::watch(&theirs);
    poll(async || freshness.healthy().then_some(())).await;
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(run(
        world.shared(),
        database.writer.clone(),
        shutdown.clone(),
    ));
    for _ in 0..20 {
        world.step().await;
        let head = world.head().await;
        let reached = freshness.wait_for(head, LONG).await.expect("reached");
        let read = tenants::get(&theirs, TENANTS[0], None)
            .await
            .expect("read")
            .position;
        assert!(
            reached >= head && read >= reached,
            "{read} {reached} {head}"
        );
    }
    shutdown.cancel();
    running.await.expect("ran").expect("ended in order");
}

#[tokio::test]
async fn waiting_ends_when_time_is_up_and_says_where_things_are() {
    let world = World::random(1, 10).await;
    let database = Database::new().await;
    let freshness = Freshness::watch(&database.store);
    let head = database.project(&world, 500).await;
    assert_eq!(freshness.wait_for(head, LONG).await, Ok(head));
    let lagging = freshness
        .wait_for(head.next(), Duration::from_millis(1))
        .await;
    let lagging = lagging.expect_err("not there yet");
    assert_eq!((lagging.wanted, lagging.reached), (head.next(), head));
}

#[tokio::test]
async fn a_lost_connection_is_made_anew() {
    let mut world = World::random(1, 10).await;
    let database = Database::new().await;
    let theirs = database.again().await;
    let freshness = Freshness::watch(&theirs);
    poll(async || freshness.healthy().then_some(())).await;
    let all = "select pg_terminate_backend(pid) from pg_stat_activity \
               where datname = current_database() and pid <> pg_backend_pid()";
    for _ in 0..3 {
        sqlx::query(all)
            .execute(&mut database.sql().await)
            .await
            .expect("ended");
        world.step().await;
        let head = database.project(&world, 500).await;
        assert_eq!(freshness.wait_for(head, LONG).await, Ok(head));
        poll(async || freshness.healthy().then_some(())).await;
        // The read itself meets broken connections in the pool.
        let read = tenants::get(&theirs, TENANTS[0], None).await.expect("read");
        assert_eq!(read.position, head);
    }
    assert!(world.head().await >= Position(10));
}
