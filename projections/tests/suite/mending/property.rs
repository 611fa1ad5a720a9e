//! Poison and remedies at random.
//!
//! Invariant: wherever batches are cut, wherever the projector is started anew, and whatever was
//! decided when, the tables are what a rebuild makes, no commit is lost, and nobody else waits.

use std::collections::BTreeSet;

use projections::{Projector, verify};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use schemas::Position;

use super::{Dim, parked_at, verified};
use crate::{database::Database, world::World};

type Cuts = Vec<(usize, bool)>;

/// A seed, and batches of these sizes in turn, each with or without a new projector before it.
fn cases() -> impl Strategy<Value = (u64, Cuts)> {
    let cuts = prop::collection::vec((1_usize..60, any::<bool>()), 1..12);
    (any::<u64>(), cuts)
}

fn runner() -> TestRunner {
    TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..Default::default()
    })
}

async fn positions(database: &Database, table: &str) -> BTreeSet<u64> {
    let ask = format!("select distinct position from {table}");
    let found: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(ask))
        .fetch_all(&mut database.sql().await)
        .await
        .expect("asked");
    found.into_iter().map(|position| position as u64).collect()
}

#[tokio::test]
async fn poison_blocks_nobody_else_and_is_never_lost() {
    let (mut runner, mut mended) = (runner(), 0);
    for _ in 0..6 {
        let (seed, cuts) = cases().new_tree(&mut runner).expect("a case").current();
        let (world, poisons) = World::poisoned(seed, 300).await;
        let database = Database::new().await;
        let entries = world.entries(Position(0)).await;
        let mut projector = database.projector(&world).await;
        let (mut turns, mut done) = (cuts.iter().cycle(), 0);
        while done < entries.len() {
            let (size, anew) = *turns.next().expect("endless");
            if anew {
                drop(projector);
                projector = database.projector(&world).await;
                assert_eq!(projector.position().0, done as u64);
            }
            let end = entries.len().min(done + size);
            let batch = entries[done..end].to_vec();
            projector.apply(batch).await.expect("applied");
            done = end;
        }
        database.is_rebuilt_alike(&world.shared()).await;
        verified(&world.shared(), &database).await;

        let skipped = positions(&database, "skipped_commits").await;
        let parked: BTreeSet<_> = parked_at(&database).await.into_iter().collect();
        let applied = positions(&database, "event_log").await;
        mended += skipped.len();
        let total = skipped.len() + parked.len() + applied.len();
        assert_eq!(total, entries.len(), "seed {seed}: some are twice or never");
        assert!(skipped.iter().all(|at| poisons.contains(&Position(*at))));
        let mut poisoned = BTreeSet::new();
        for position in &poisons {
            let stream = world.stream_at(*position).await;
            poisoned.insert((stream.tenant, stream.id));
        }
        for position in parked {
            let stream = world.stream_at(Position(position)).await;
            assert!(
                poisoned.contains(&(stream.tenant, stream.id)),
                "seed {seed}"
            );
        }
    }
    assert!(
        mended > 5,
        "{mended} commits were left out in six histories"
    );
}

/// A program that cannot read some commits is followed by one that can.
#[tokio::test]
async fn what_an_older_program_parked_comes_to_what_the_newer_would_have_made() {
    let mut runner = runner();
    let (mut applied_later, mut left_out) = (0, 0);
    for _ in 0..4 {
        let (seed, cuts) = cases().new_tree(&mut runner).expect("a case").current();
        let mut world = World::random(seed, 250).await;
        let unread = |entry: &event_log::Entry| {
            let position = entry.position();
            (position.0 % 9 == seed % 9).then_some(position)
        };
        let unread: Vec<_> = world
            .entries(Position(0))
            .await
            .iter()
            .filter_map(unread)
            .collect();
        let database = Database::new().await;
        let older = Dim::of(&world, unread.clone());
        let mut projector = older.projector(&database).await;
        let mut turns = cuts.iter().cycle();
        apply(&mut projector, older.entries(&world, 0).await, &mut turns).await;
        applied_later += parked_at(&database).await.len();
        for (n, position) in unread.iter().enumerate() {
            // In vain, or for good: some of them wait behind others, some do not.
            match n % 3 {
                0 => drop(world.retry(*position).await),
                1 => drop(world.skip(*position, "void").await),
                _ => {}
            }
        }
        let more = older.entries(&world, projector.position().0).await;
        apply(&mut projector, more, &mut turns).await;
        drop(projector);
        verified(&older.log(), &database).await;

        while let Some(head) = parked_at(&database).await.first() {
            let head = Position(*head);
            world.retry(head).await.expect("decided");
            let mut projector = database.projector(&world).await;
            let more = world.entries(projector.position()).await;
            apply(&mut projector, more, &mut turns).await;
            assert_ne!(
                parked_at(&database).await.first(),
                Some(&head.0),
                "seed {seed}"
            );
        }
        Dim::forget(&database).await;
        left_out += positions(&database, "skipped_commits").await.len();
        let found = verify(&world.shared(), &database.overview)
            .await
            .expect("verified");
        assert!(found.holds(), "seed {seed}: {:#?}", found.differences);
        database.is_rebuilt_alike(&world.shared()).await;
    }
    assert!(
        applied_later > 50 && left_out > 20,
        "{applied_later} {left_out}"
    );
}

async fn apply<'a>(
    projector: &mut Projector,
    entries: Vec<event_log::Entry>,
    turns: &mut impl Iterator<Item = &'a (usize, bool)>,
) {
    let mut rest = entries.as_slice();
    while !rest.is_empty() {
        let (size, _) = *turns.next().expect("endless");
        let (now, later) = rest.split_at(size.min(rest.len()));
        projector.apply(now.to_vec()).await.expect("applied");
        rest = later;
    }
}
