//! The tables depend on the log alone.
//!
//! Invariant: wherever batches are cut and wherever the projector is started anew, every table has
//! the same bytes, and they are what a rebuild makes.

use projections::verify;
use proptest::{prelude::*, test_runner::TestRunner};

use crate::{database::Database, world::World};

/// Batches of these sizes in turn, each with or without a new projector before it.
fn cuts() -> impl Strategy<Value = (u64, Vec<(usize, bool)>)> {
    (
        any::<u64>(),
        prop::collection::vec((1_usize..60, any::<bool>()), 1..12),
    )
}

#[tokio::test]
async fn any_batching_and_any_restart_give_the_same_bytes() {
    let config = ProptestConfig {
        cases: 6,
        failure_persistence: None,
        ..Default::default()
    };
    let mut runner = TestRunner::new(config);
    let mut has_history = false;
    for _ in 0..6 {
        let tree = cuts().new_tree(&mut runner).expect("a case");
        let (seed, cuts) = proptest::strategy::ValueTree::current(&tree);
        let world = World::random(seed, 400).await;
        let log = world.shared();
        let database = Database::new().await;

        let entries = world.entries(schemas::Position(0)).await;
        let mut projector = database.projector(&world).await;
        let mut turns = cuts.iter().cycle();
        let mut done = 0;
        while done < entries.len() {
            let (size, anew) = *turns.next().expect("endless");
            if anew {
                drop(projector);
                projector = database.projector(&world).await;
                assert_eq!(projector.position().0, done as u64);
            }
            let end = entries.len().min(done + size);
            projector
                .apply(entries[done..end].to_vec())
                .await
                .expect("applied");
            done = end;
        }

        database.is_rebuilt_alike(&log).await;
        let live = database.digests("app").await;
        has_history |= live
            .iter()
            .any(|(table, digest)| table == "tasks_history" && !digest.starts_with("0 rows"));

        let verification = verify(&log, &database.overview).await.expect("verified");
        assert!(
            verification.holds(),
            "seed {seed}: {:#?}",
            verification.differences
        );
        let head = entries.len() as u64;
        assert_eq!((verification.commits, verification.parked), (head, 0));
    }
    assert!(has_history, "no task of six histories has a past");
}

#[tokio::test]
async fn an_aggregate_that_ends_and_comes_back_keeps_counting() {
    let world = World::random(7, 900).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    let mut sql = database.sql().await;
    let back: i64 = sqlx::query_scalar(
        "select count(*) from resources r join lateral (select max(valid_to) as ended \
         from resources_history h where h.tenant_id = r.tenant_id and h.id = r.id) h on true \
         where h.ended < r.position",
    )
    .fetch_one(&mut sql)
    .await
    .expect("asked");
    assert!(
        back > 0,
        "no resource came back in this history; choose another seed"
    );
    let parked: i64 = sqlx::query_scalar("select count(*) from parked")
        .fetch_one(&mut sql)
        .await
        .expect("asked");
    assert_eq!(parked, 0);
}

#[tokio::test]
async fn migrating_twice_at_once_is_safe() {
    let database = Database::new().await;
    let other = database.owner.clone();
    let (one, two) = tokio::join!(database.owner.migrate(), other.migrate());
    one.and(two).expect("migrated");
}
