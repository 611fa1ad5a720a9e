//! What is parked is mended: tried again by a program that knows more, or left out with a reason.
//!
//! Invariant: whatever is decided, whenever, and however the log is cut, the tables are what a
//! rebuild makes, and no commit is lost: each is applied, parked or left out.

mod dim;
mod property;

use event_log::SharedLog;
use projections::{Projector, Verification, gate::decode_all, parked, tasks, verify};
use schemas::{
    Position, StreamId, Version,
    domain::{AggregateKind, TaskId, task::Task, task::TaskStatus},
};
use uuid::Uuid;

use crate::{
    database::Database,
    poison::{create, events, holed, poisons, task},
    world::{TENANTS, World},
};
use dim::Dim;

/// The later commit of each poisoned task.
fn cancelled() -> Vec<u8> {
    events("task.cancelled", 1, r#"{"forced":false}"#).into_bytes()
}

async fn created(world: &mut World, id: u128) -> StreamId {
    let made = world.ask::<Task>(TENANTS[0], task(id).id, &create()).await;
    made.expect("created");
    task(id)
}

/// A task for each poison, with a good commit after it; where the poison is.
async fn poison_each(world: &mut World) -> Vec<Position> {
    let mut wrong = Vec::new();
    for (n, (payload, _)) in poisons().iter().enumerate() {
        let stream = created(world, n as u128 + 1).await;
        wrong.push(world.append(stream, payload.clone().into(), |_| {}).await);
        world.append(stream, cancelled(), |_| {}).await;
    }
    wrong
}

async fn verified(log: &SharedLog, database: &Database) -> Verification {
    let verification = verify(log, &database.overview).await.expect("verified");
    assert!(verification.holds(), "{:#?}", verification.differences);
    verification
}

async fn generation(database: &Database) -> i64 {
    sqlx::query_scalar("select generation from checkpoint")
        .fetch_one(&mut database.sql().await)
        .await
        .expect("asked")
}

/// Where commits are parked.
async fn parked_at(database: &Database) -> Vec<u64> {
    let parked = parked::list(&database.overview, None).await;
    let parked = parked.expect("listed").value;
    parked.iter().map(|parked| parked.position.0).collect()
}

#[tokio::test]
async fn what_is_left_out_lets_the_rest_go_on() {
    for (size, anew) in [(1, true), (7, false), (500, false)] {
        let mut world = World::new("mending", 1);
        let wrong = poison_each(&mut world).await;
        let database = Database::new().await;
        database.project(&world, size).await;
        let before = generation(&database).await;
        assert_eq!(parked_at(&database).await.len(), 2 * wrong.len());
        for position in &wrong {
            world.skip(*position, "void").await.expect("decided");
        }
        // Nothing new comes of a second time.
        assert_eq!(world.skip(wrong[0], "other").await, None);
        if anew {
            let mut projector = database.projector(&world).await;
            let entries = world.entries(projector.position()).await;
            for entry in entries {
                drop(projector);
                projector = database.projector(&world).await;
                projector.apply(vec![entry]).await.expect("applied");
            }
        } else {
            database.project(&world, size).await;
        }

        assert_eq!(parked_at(&database).await, [0_u64; 0]);
        assert!(generation(&database).await > before);
        for n in 0..wrong.len() {
            let id = TaskId::new(task(n as u128 + 1).id);
            let found = tasks::get(&database.store, TENANTS[0], id, None).await;
            let found = found.expect("read");
            assert_eq!(found.stale_since, None);
            let row = found.value.expect("a row");
            assert_eq!(
                (row.version, row.state.status),
                (Version(3), TaskStatus::Cancelled)
            );
        }
        let skipped = parked::skipped(&database.overview).await.expect("listed");
        assert_eq!(skipped.value.len(), wrong.len());
        for ((skipped, position), (_, word)) in skipped.value.iter().zip(&wrong).zip(poisons()) {
            assert_eq!(skipped.parked.position, *position);
            assert!(skipped.parked.reason.contains(word), "{skipped:?}");
            assert_eq!((&*skipped.by, &*skipped.reason), ("system:test", "void"));
        }
        let verification = verified(&world.shared(), &database).await;
        assert_eq!(verification.skipped as usize, wrong.len());
        database.is_rebuilt_alike(&world.shared()).await;

        // What comes later follows what was left out, also for who has not seen that happen.
        let last = created(&mut world, 99).await;
        let exploded = events("task.exploded", 1, "{}").into_bytes();
        let position = world.append(last, exploded, |_| {}).await;
        world.skip(position, "void").await.expect("decided");
        database.project(&world, size).await;
        for n in 0..wrong.len() {
            let requeued = events("task.requeued", 1, "{}").into_bytes();
            let stream = task(n as u128 + 1);
            world.append(stream, requeued, |_| {}).await;
        }
        world.append(last, cancelled(), |_| {}).await;
        database.project(&world, size).await;
        assert_eq!(parked_at(&database).await, [0_u64; 0]);
        verified(&world.shared(), &database).await;
    }
}

#[tokio::test]
async fn the_same_program_parks_what_it_tries_again() {
    for size in [1, 500] {
        let mut world = World::new("mending", 1);
        let wrong = poison_each(&mut world).await;
        let database = Database::new().await;
        database.project(&world, size).await;
        let listed = parked::list(&database.overview, None).await;
        let before = (listed.expect("listed").value, generation(&database).await);
        for position in &wrong {
            world.retry(*position).await.expect("decided");
        }
        database.project(&world, size).await;
        let listed = parked::list(&database.overview, None).await;
        let after = (listed.expect("listed").value, generation(&database).await);
        assert_eq!(before, after);
        verified(&world.shared(), &database).await;
        database.is_rebuilt_alike(&world.shared()).await;
    }
}

/// What was parked by a program that could not read it is applied by one that can, in its place.
#[tokio::test]
async fn a_program_that_knows_more_applies_what_was_parked() {
    let mut world = World::new("mending", 1);
    let stream = created(&mut world, 1).await;
    let asked = events("task.cancel_requested", 1, r#"{"reason":"x"}"#);
    let unread = world.append(stream, asked.into_bytes(), |_| {}).await;
    world.append(stream, cancelled(), |_| {}).await;
    let other = created(&mut world, 2).await;
    world.append(other, cancelled(), |_| {}).await;

    let database = Database::new().await;
    let older = Dim::of(&world, [unread]);
    let mut projector = older.projector(&database).await;
    projector
        .apply(older.entries(&world, 0).await)
        .await
        .expect("applied");
    assert_eq!(parked_at(&database).await, [unread.0, unread.0 + 1]);
    world.retry(unread).await.expect("decided");
    let again = older.entries(&world, projector.position().0).await;
    projector.apply(again).await.expect("applied");
    assert_eq!(parked_at(&database).await, [unread.0, unread.0 + 1]);
    drop(projector);

    // Nothing changes by itself when the program does.
    database.project(&world, 500).await;
    assert_eq!(parked_at(&database).await, [unread.0, unread.0 + 1]);
    let before = generation(&database).await;
    world.retry(unread).await.expect("decided");
    database.project(&world, 500).await;
    assert_eq!(parked_at(&database).await, [0_u64; 0]);
    assert_eq!(generation(&database).await, before + 1);
    verified(&world.shared(), &database).await;
    database.is_rebuilt_alike(&world.shared()).await;
}

/// Of those that waited, one is refused by Postgres and a later one by the decoder: those before
/// are applied all the same, and the first that is refused is what the others wait for.
#[tokio::test]
async fn what_postgres_refuses_among_those_that_waited_is_found() {
    let mut world = World::new("mending", 1);
    let stream = created(&mut world, 1).await;
    let exploded = || events("task.exploded", 1, "{}").into_bytes();
    let asked = |more: &str| {
        let data = format!(r#"{{"reason":"x"{more}}}"#);
        events("task.cancel_requested", 1, &data).into_bytes()
    };
    let mut wrong = vec![world.append(stream, exploded(), |_| {}).await];
    world.append(stream, asked(""), |_| {}).await;
    let refused = asked(r#","y":"\ud800""#);
    wrong.push(world.append(stream, refused, |_| {}).await);
    wrong.push(world.append(stream, exploded(), |_| {}).await);
    let last = world.append(stream, cancelled(), |_| {}).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    for (n, word) in ["unknown event", "Postgres refuses it", "unknown event"]
        .into_iter()
        .enumerate()
    {
        let listed = parked::list(&database.overview, None).await;
        let listed = listed.expect("listed").value;
        let head = wrong[n];
        assert_eq!(listed[0].position, head);
        assert!(listed[0].reason.starts_with(word), "{listed:#?}");
        for behind in &listed[1..] {
            assert_eq!(behind.reason, format!("behind position {head}"));
        }
        assert_eq!(listed.last().map(|it| it.position), Some(last));
        world.skip(head, "void").await.expect("decided");
        database.project(&world, 500).await;
        verified(&world.shared(), &database).await;
        database.is_rebuilt_alike(&world.shared()).await;
    }
    assert_eq!(parked_at(&database).await, [0_u64; 0]);
}

/// Postgres refuses what follows one that is left out: it still follows that, also for the
/// projector that saw it happen.
#[tokio::test]
async fn what_is_refused_after_one_left_out_still_follows_it() {
    let mut world = World::new("mending", 1);
    let stream = created(&mut world, 1).await;
    let exploded = events("task.exploded", 1, "{}").into_bytes();
    let first = world.append(stream, exploded, |_| {}).await;
    let asked = events("task.cancel_requested", 1, r#"{"reason":"x","y":"\ud800"}"#);
    let refused = world.append(stream, asked.into_bytes(), |_| {}).await;
    world.append(stream, cancelled(), |_| {}).await;
    world.skip(first, "void").await.expect("decided");
    world.retry(refused).await.expect("decided");
    let database = Database::new().await;
    database.project(&world, 1).await;
    let listed = parked::list(&database.overview, None).await;
    let head = &listed.expect("listed").value[0];
    assert_eq!(head.position, refused);
    assert!(head.reason.starts_with("Postgres refuses it"), "{head:?}");
    database.is_rebuilt_alike(&world.shared()).await;
}

/// What waits behind another can be left out before its turn; nothing is folded around the first.
#[tokio::test]
async fn what_waits_may_be_left_out_before_its_turn() {
    let mut world = World::new("mending", 1);
    let stream = created(&mut world, 1).await;
    let exploded = || events("task.exploded", 1, "{}").into_bytes();
    let first = world.append(stream, exploded(), |_| {}).await;
    let second = world.append(stream, exploded(), |_| {}).await;
    let third = world.append(stream, cancelled(), |_| {}).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    world.skip(second, "void").await.expect("decided");
    database.project(&world, 500).await;
    assert_eq!(parked_at(&database).await, [first.0, third.0]);
    verified(&world.shared(), &database).await;
    database.is_rebuilt_alike(&world.shared()).await;
    world.skip(first, "void").await.expect("decided");
    database.project(&world, 500).await;
    assert_eq!(parked_at(&database).await, [0_u64; 0]);
    verified(&world.shared(), &database).await;
    database.is_rebuilt_alike(&world.shared()).await;
}

/// What breaks the chain can be left out: what follows it is applied if its writer took it for the
/// last one, and what ignored it if its version had been passed.
#[tokio::test]
async fn what_breaks_the_chain_may_be_left_out() {
    let mut world = World::new("mending", 1);
    let mut wrong = Vec::new();
    for (id, version) in [(1, 7), (2, 1)] {
        let stream = created(&mut world, id).await;
        let asked = events("task.cancel_requested", 1, r#"{"reason":"x"}"#);
        let forge = |meta: &mut schemas::Meta| meta.version = Version(version);
        let at = world.append(stream, asked.into_bytes(), forge).await;
        wrong.push(at);
        world.append(stream, cancelled(), |_| {}).await;
    }
    let database = Database::new().await;
    database.project(&world, 3).await;
    for position in wrong {
        world.skip(position, "forged").await.expect("decided");
    }
    database.project(&world, 500).await;
    // Of the second, what follows bears version 2 and the forged digest: it follows nothing.
    assert_eq!(parked_at(&database).await, [6]);
    verified(&world.shared(), &database).await;
    database.is_rebuilt_alike(&world.shared()).await;
    world.skip(Position(6), "forged").await.expect("decided");
    database.project(&world, 500).await;
    assert_eq!(parked_at(&database).await, [0_u64; 0]);
    verified(&world.shared(), &database).await;
    database.is_rebuilt_alike(&world.shared()).await;
}

#[tokio::test]
async fn a_message_that_is_no_commit_is_left_out_and_blocks_nobody() {
    let mut world = World::new("mending", 1);
    for id in 1..=3 {
        created(&mut world, id).await;
    }
    let log = holed(&world, Position(3));
    let database = Database::new().await;
    for remedy in [false, true] {
        if remedy {
            world.skip(Position(3), "noise").await.expect("decided");
        } else {
            world.retry(Position(3)).await.expect("decided");
        }
        let opened = crate::database::poll(async || {
            Projector::open(&log, &database.writer)
                .await
                .expect("opened")
        });
        let mut projector = opened.await;
        let mut entries = world.entries(projector.position()).await;
        for entry in &mut entries {
            *entry = log
                .at(entry.position())
                .await
                .expect("read")
                .expect("there");
        }
        projector.apply(entries).await.expect("applied");
        let left = if remedy { vec![] } else { vec![3] };
        assert_eq!(parked_at(&database).await, left);
        drop(projector);
        verified(&log, &database).await;
        database.is_rebuilt_alike(&log).await;
    }
    let passage = decode_all(&*log, |_, _| {}).await.expect("read");
    assert_eq!((passage.refused_total, passage.skipped_total), (0, 1));
}

/// A program that could read what was left out leaves it out as well, from its place on.
#[tokio::test]
async fn what_was_left_out_stays_so_for_a_program_that_could_read_it() {
    let mut world = World::new("mending", 1);
    let stream = created(&mut world, 1).await;
    let asked = events("task.cancel_requested", 1, r#"{"reason":"x"}"#);
    let unread = world.append(stream, asked.into_bytes(), |_| {}).await;
    world.append(stream, cancelled(), |_| {}).await;
    let database = Database::new().await;
    let older = Dim::of(&world, [unread]);
    let mut projector = older.projector(&database).await;
    projector
        .apply(older.entries(&world, 0).await)
        .await
        .expect("applied");
    world.skip(unread, "void").await.expect("decided");
    let again = older.entries(&world, projector.position().0).await;
    projector.apply(again).await.expect("applied");
    drop(projector);
    Dim::forget(&database).await;
    verified(&world.shared(), &database).await;
    database.is_rebuilt_alike(&world.shared()).await;

    // Where it was applied before anybody knew, the proof says so, and a rebuild mends it.
    let early = Database::new().await;
    early.project(&world, 500).await;
    let found = verify(&world.shared(), &early.overview)
        .await
        .expect("verified");
    let told: Vec<_> = found
        .differences
        .iter()
        .map(|it| it.what.as_str())
        .collect();
    let missing = format!("position {unread}: missing, position 4 leaves it out");
    assert!(told.contains(&&*missing), "{told:#?}");
}

#[tokio::test]
async fn a_forged_row_of_what_was_left_out_is_found() {
    let forgeries = [
        (
            "update skipped_commits set skipped_reason = 'forged'",
            "is not what the event says",
        ),
        (
            "update skipped_commits set skipped_by = 'nobody'",
            "is not what the event says",
        ),
        (
            "update skipped_commits set payload = ''",
            "is not what the log has",
        ),
        (
            "update skipped_commits set version = 9",
            "is not what the log has",
        ),
        (
            "update skipped_commits set skipped_position = 1",
            "is not what the event says",
        ),
    ];
    let mut world = World::new("mending", 1);
    let stream = created(&mut world, 1).await;
    let exploded = events("task.exploded", 1, "{}").into_bytes();
    let wrong = world.append(stream, exploded, |_| {}).await;
    world.skip(wrong, "void").await.expect("decided");
    for (forgery, what) in forgeries {
        let database = Database::new().await;
        database.project(&world, 500).await;
        verified(&world.shared(), &database).await;
        database.spoil(forgery).await;
        let found = verify(&world.shared(), &database.overview)
            .await
            .expect("verified");
        let told =
            |it: &projections::Difference| it.model == "skipped_commits" && it.what.contains(what);
        assert!(
            found.differences.iter().any(told),
            "{forgery}: {:#?}",
            found.differences
        );
    }
    let database = Database::new().await;
    database.project(&world, 500).await;
    database.spoil("delete from skipped_commits").await;
    let found = verify(&world.shared(), &database.overview)
        .await
        .expect("verified");
    assert!(!found.holds());
}

#[tokio::test]
async fn the_gate_names_what_was_left_out_and_lets_it_pass() {
    let mut world = World::new("mending", 1);
    let mut wrong = Vec::new();
    for id in 1..=2 {
        let stream = created(&mut world, id).await;
        let exploded = events("task.exploded", 1, "{}").into_bytes();
        wrong.push(world.append(stream, exploded, |_| {}).await);
    }
    world.skip(wrong[0], "void").await.expect("decided");
    // What is not refused is not named, whatever is said of it.
    world.skip(Position(1), "void").await.expect("decided");
    world.skip(Position(1_000), "void").await.expect("decided");
    let passage = decode_all(&*world.shared(), |_, _| {}).await.expect("read");
    let refused: Vec<_> = passage.refused.iter().map(|it| it.position).collect();
    assert_eq!((refused, passage.refused_total), (vec![wrong[1]], 1));
    let told: Vec<_> = passage.skipped.iter().map(ToString::to_string).collect();
    let line = format!("position {}, left out by system:test: void", wrong[0]);
    assert_eq!((told, passage.skipped_total), (vec![line], 1));
    assert!(!passage.is_clear());
    world.skip(wrong[1], "void").await.expect("decided");
    let passage = decode_all(&*world.shared(), |_, _| {}).await.expect("read");
    assert!(passage.is_clear());
    assert_eq!(
        passage.commits + passage.skipped_total,
        world.head().await.0
    );
}

#[tokio::test]
async fn heads_are_listed_with_how_many_wait() {
    let mut world = World::new("mending", 1);
    let stream = created(&mut world, 1).await;
    let exploded = events("task.exploded", 1, "{}").into_bytes();
    let wrong = world.append(stream, exploded, |_| {}).await;
    let waits = world.append(stream, cancelled(), |_| {}).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    let heads = parked::heads(&database.overview)
        .await
        .expect("listed")
        .value;
    let told: Vec<_> = heads
        .iter()
        .map(|it| (it.parked.position, it.behind))
        .collect();
    assert_eq!(told, [(wrong, 1)]);
    assert_eq!(
        heads[0].parked.kind.as_deref(),
        Some(AggregateKind::Task.name())
    );
    let of = |position| parked::of(&database.overview, position);
    let found = of(waits).await.expect("read").value.expect("parked");
    assert_eq!((found.head, found.positions), (wrong, vec![wrong, waits]));
    assert_eq!(of(Position(1)).await.expect("read").value, None);
    let _: Uuid = stream.id;
}
