//! The read models of any past moment.
//!
//! Invariant: a replay is what the read models were.

use event_log::Entry;
use projections::{
    difference,
    replay::{ReplayError, Supposed, position_at, replay},
};
use schemas::{
    Position,
    domain::{AggregateKind, Timestamp},
};
use serde_json::{Value, json};

use super::{Scene, line};
use crate::{database::Database, world::World};

#[tokio::test]
async fn a_replay_to_any_position_is_what_the_read_models_were_there() {
    let mut world = World::random(21, 110).await;
    let (poisoned, _) = world.streams(AggregateKind::Task)[0];
    world.append(poisoned, b"poison".to_vec(), |_| {}).await;
    while world.head().await.0 < 140 {
        world.step().await;
    }
    let database = Database::new().await;
    let entries = world.entries(Position(0)).await;
    let mut projector = database.projector(&world).await;
    let (log, mut replays) = (world.shared(), 0);
    for (at, entry) in entries.into_iter().enumerate() {
        let position = projector.apply(vec![entry]).await.expect("applied");
        if at % 9 != 0 && position != world.head().await {
            continue;
        }
        let (owner, writer) = (&database.owner, &database.writer);
        let made = replay(&log, owner, writer, "past", position, |_| {}).await;
        assert_eq!(made.expect("replayed"), position);
        let past = database.overview.beside("past");
        let found = difference(&database.overview, &past, 3).await;
        let found = found.expect("compared");
        assert!(found.is_empty(), "position {position}: {found}");
        assert_eq!(found.positions, (position, position));
        assert_eq!(
            database.digests("app").await,
            database.digests("past").await
        );
        replays += 1;
    }
    let parked: i64 = sqlx::query_scalar("select count(*) from past.parked")
        .fetch_one(&mut database.sql().await)
        .await
        .expect("asked");
    assert!(
        parked > 0 && replays > 15,
        "{parked} parked, {replays} replays"
    );
}

#[tokio::test]
async fn a_time_is_the_last_commit_at_or_before_it() {
    let mut world = World::random(29, 60).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    let known = world.head().await;
    for _ in 0..30 {
        world.step().await;
    }
    let (log, head) = (world.shared(), world.head().await);
    assert!(head > known);
    let mut commits = Vec::new();
    for entry in world.entries(Position(0)).await {
        if let Entry::Commit(commit) = entry {
            commits.push(commit);
        }
    }
    for commit in &commits {
        let at = position_at(&log, &database.overview, commit.meta.time).await;
        let last = commits
            .iter()
            .rfind(|other| other.meta.time <= commit.meta.time);
        assert_eq!(at.expect("asked"), last.expect("itself").position);
    }
    let never = Timestamp::from_unix_ms(0);
    let at = position_at(&log, &database.overview, never).await;
    assert_eq!(at.expect("asked"), Position(0));
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let scene = Scene::new(World::random(28, 60).await).await;
    let head = scene.world.head().await;
    let refused = |answer: Result<Position, ReplayError>| answer.expect_err("refused").to_string();
    let told = refused(scene.replay("past", head.next()).await);
    assert!(told.contains("has not come"), "{told}");
    for (schema, reason) in [
        ("app", "cannot be the name"),
        ("Past", "cannot be the name"),
        ("analytics", "is not scratch"),
        ("public", "is not scratch"),
    ] {
        let told = refused(scene.replay(schema, head).await);
        assert!(told.contains(reason), "{schema}: {told}");
        if schema != "Past" {
            let dropped = scene.database.owner.drop_scratch(schema).await;
            assert!(dropped.is_err(), "{schema}");
        }
    }
    scene.replay("past", head).await.expect("replayed");
    scene
        .replay("past", Position(0))
        .await
        .expect("replayed again");
    scene
        .database
        .owner
        .drop_scratch("past")
        .await
        .expect("dropped");
    scene
        .database
        .owner
        .drop_scratch("past")
        .await
        .expect("as good");

    for position in [Position(0), head.next()] {
        let told = scene.what_if(&[position], &[]).await.expect_err("refused");
        assert!(
            told.to_string().contains("is not among the commits"),
            "{told}"
        );
    }
    let commit = scene.commits.last().expect("a commit");
    let after = |after: u64| {
        let mut told: Value = serde_json::from_str(&line(commit)).expect("JSON");
        told["after"] = json!(after);
        told.as_object_mut().expect("an object").remove("time");
        Supposed::read(&told.to_string()).expect("a commit")
    };
    for (position, reason) in [(head.0 + 1, "line 1: position"), (0, "so say its time")] {
        let told = scene
            .what_if(&[], &after(position))
            .await
            .expect_err("refused");
        assert!(told.to_string().contains(reason), "{told}");
    }
}
