//! A log that is not the one it was.
//!
//! Invariant: the projector stops and says what to do; it never goes on from another history.

use projections::{Projector, RunError, run};
use schemas::Position;
use tokio_util::sync::CancellationToken;

use crate::{
    database::{Database, poll},
    world::World,
};

async fn world(incarnation: &str, seed: u64, commits: u64) -> World {
    let mut world = World::new(incarnation, seed);
    while world.head().await.0 < commits {
        world.step().await;
    }
    world
}

async fn halted(database: &Database, world: &World) -> String {
    let log = world.shared();
    // The lock of the projector before is let go of when Postgres sees its connection end.
    let refusal = poll(
        async || match Projector::open(&log, &database.writer).await {
            Ok(None) => None,
            Ok(Some(_)) => panic!("the projector went on"),
            Err(refusal) => Some(refusal),
        },
    );
    match refusal.await {
        RunError::Halted { reason } => reason,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn another_log_a_shorter_log_and_an_altered_log_are_refused() {
    let database = Database::new().await;
    database.project(&world("log", 1, 20).await, 500).await;

    let other = halted(&database, &world("another", 1, 30).await).await;
    assert!(
        other.contains("made from log log, but this is log another"),
        "{other}"
    );
    let shorter = halted(&database, &world("log", 1, 19).await).await;
    assert!(shorter.contains("ends at position 19"), "{shorter}");
    assert!(shorter.contains("restore"), "{shorter}");
    let altered = halted(&database, &world("log", 2, 30).await).await;
    assert!(altered.contains("position 20 is not the one"), "{altered}");

    let same = world("log", 1, 25).await;
    assert_eq!(database.project(&same, 500).await, Position(25));
}

#[tokio::test]
async fn tables_ahead_of_their_checkpoint_and_an_altered_commit_are_refused() {
    let world = world("log", 1, 20).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    database.spoil("update checkpoint set position = 15").await;
    database
        .spoil("update checkpoint set hash = (select hash from event_log where position = 15)")
        .await;
    let ahead = halted(&database, &world).await;
    assert!(ahead.contains("hold commits up to position 20"), "{ahead}");
}

#[tokio::test]
async fn rows_that_contradict_the_log_are_not_blamed_on_a_commit() {
    let mut world = world("log", 1, 200).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    database.spoil("update counts set total = 0").await;
    while world.head().await.0 < 400 {
        world.step().await;
    }
    let log = world.shared();
    let projector = poll(async || Projector::open(&log, &database.writer).await.ok().flatten());
    let mut projector = projector.await;
    let refused = projector.apply(world.entries(Position(200)).await).await;
    let Err(RunError::Halted { reason }) = refused else {
        panic!("{refused:?}");
    };
    assert!(reason.contains("contradict the log"), "{reason}");
}

#[tokio::test]
async fn run_ends_with_the_reason() {
    let database = Database::new().await;
    database.project(&world("log", 1, 20).await, 500).await;
    let log = world("another", 1, 20).await.shared();
    let ended = run(log, database.writer.clone(), CancellationToken::new()).await;
    assert!(matches!(ended, Err(RunError::Halted { .. })), "{ended:?}");
}

#[tokio::test]
async fn of_two_projectors_one_stands_by_and_a_late_one_is_fenced() {
    let world = world("log", 1, 40).await;
    let database = Database::new().await;
    let log = world.shared();
    let mut first = database.projector(&world).await;
    assert!(
        Projector::open(&log, &database.writer)
            .await
            .expect("asked")
            .is_none()
    );

    // The lock is lost without the projector's knowledge, and another takes over.
    let lost = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' \
                and database = (select oid from pg_database where datname = current_database())";
    sqlx::query(lost)
        .execute(&mut database.sql().await)
        .await
        .expect("ended");
    let mut second = database.projector(&world).await;
    let entries = world.entries(Position(0)).await;
    second.apply(entries.clone()).await.expect("applied");
    assert!(first.apply(entries).await.is_err());
    assert_eq!(second.position(), Position(40));
}

#[tokio::test]
async fn a_checkpoint_that_another_moved_is_not_moved_again() {
    let world = world("log", 1, 40).await;
    let database = Database::new().await;
    let mut projector = database.projector(&world).await;
    let entries = world.entries(Position(0)).await;
    projector
        .apply(entries[..10].to_vec())
        .await
        .expect("applied");
    database.spoil("update checkpoint set position = 11").await;
    let fenced = projector.apply(entries[10..20].to_vec()).await;
    assert!(matches!(fenced, Err(RunError::Fenced)), "{fenced:?}");
    let gap = projector.apply(entries[12..20].to_vec()).await;
    assert!(matches!(gap, Err(RunError::Log(_))), "{gap:?}");
}

#[tokio::test]
async fn a_projector_does_not_go_on_from_what_was_changed_since() {
    let world = world("log", 1, 40).await;
    let database = Database::new().await;
    let mut projector = database.projector(&world).await;
    let entries = world.entries(Position(0)).await;
    let apply = projector.apply(entries[..10].to_vec());
    apply.await.expect("applied");
    let before = database.digests("app").await;
    database
        .spoil("update checkpoint set generation = generation + 1")
        .await;
    let fenced = projector.apply(entries[10..20].to_vec()).await;
    assert!(matches!(fenced, Err(RunError::Fenced)), "{fenced:?}");
    assert_eq!(before, database.digests("app").await);

    drop(projector);
    assert_eq!(database.project(&world, 500).await, Position(40));
    database.is_rebuilt_alike(&world.shared()).await;
}
