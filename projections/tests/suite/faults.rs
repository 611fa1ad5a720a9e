//! Postgres goes away and comes back.
//!
//! Invariant: the projector waits and goes on by itself, and nothing is lost or applied twice; who
//! asks meanwhile hears that Postgres is unavailable.

use std::time::Duration;

use projections::{Freshness, StoreError, run, tenants, verify};
use tokio_util::sync::CancellationToken;

use crate::{
    database::Database,
    world::{TENANTS, World},
};

const LONG: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn killed_and_started_again_all_goes_on() {
    let server = tokio::task::spawn_blocking(local::Postgres::scratch);
    let mut server = server.await.expect("ran").expect("a server");
    let database = Database::at(server.url("almanac")).await;
    let mut world = World::random(31, 50).await;
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(run(
        world.shared(),
        database.store.clone(),
        shutdown.clone(),
    ));
    let freshness = Freshness::watch(&database.again().await);
    freshness
        .wait_for(world.head().await, LONG)
        .await
        .expect("reached");

    for _ in 0..2 {
        server = blocking(server, local::Postgres::kill).await;
        let refused = tenants::get(&database.store, TENANTS[0]).await;
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
    let verification = verify(&world.shared(), &database.store)
        .await
        .expect("verified");
    assert!(verification.holds(), "{:#?}", verification.differences);
    assert_eq!(verification.position, world.head().await);
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
