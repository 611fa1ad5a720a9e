//! What must not become live.
//!
//! Invariant: it is refused in words that say what to do, and what is live stays as it was.

use projections::editions::{ExchangeError, Refusal, rollback, swap};

use super::{rebuilt, swapped};
use crate::{database::Database, world::World};

async fn refusal(database: &Database, world: &World) -> [Option<String>; 2] {
    let (log, owner, writer) = (world.shared(), &database.owner, &database.writer);
    let told = |outcome| match outcome {
        Ok(_) => None,
        Err(ExchangeError::Refused(refusal)) => Some(Refusal::to_string(&refusal)),
        Err(failure) => panic!("{failure}"),
    };
    let swapped = told(swap(&log, owner, writer, |_| {}).await);
    [swapped, told(rollback(&log, owner, writer, |_| {}).await)]
}

#[track_caller]
fn says(told: Option<&String>, part: &str) {
    let told = told.expect("refused");
    assert!(told.contains(part), "{told}");
    assert!(told.contains('→') || told.contains(':'), "{told}");
}

#[tokio::test]
async fn what_is_not_there_or_not_whole_or_of_something_else_is_refused() {
    let world = World::random(21, 200).await;
    let database = Database::new().await;
    database.project(&world, 100).await;
    let before = database.digests("app").await;
    let [next, previous] = refusal(&database, &world).await;
    says(
        next.as_ref(),
        "there is no app_next: run `almanac projections rebuild` first",
    );
    says(previous.as_ref(), "there is no app_previous");

    rebuilt(&database, &world.shared()).await;
    database
        .spoil("delete from app_next._sqlx_migrations where version = 15")
        .await;
    let [next, _] = refusal(&database, &world).await;
    says(next.as_ref(), "made by another version");

    rebuilt(&database, &world.shared()).await;
    database
        .spoil("update app_next.checkpoint set incarnation = 'another'")
        .await;
    let [next, _] = refusal(&database, &world).await;
    says(
        next.as_ref(),
        "was made from log another, but this is log random",
    );

    rebuilt(&database, &world.shared()).await;
    database
        .spoil("update app_next.checkpoint set hash = 'x'")
        .await;
    let [next, _] = refusal(&database, &world).await;
    says(next.as_ref(), "does not fit the log");

    rebuilt(&database, &world.shared()).await;
    let made = "create table app_next.to_restore (statement text)";
    let made = sqlx::raw_sql(made).execute(&mut database.sql().await).await;
    made.expect("made");
    let [next, _] = refusal(&database, &world).await;
    says(next.as_ref(), "incomplete");

    rebuilt(&database, &world.shared()).await;
    database.spoil("delete from app_next.checkpoint").await;
    let [next, previous] = refusal(&database, &world).await;
    says(next.as_ref(), "incomplete");
    says(previous.as_ref(), "there is no app_previous");
    assert_eq!(before, database.digests("app").await);
}

#[tokio::test]
async fn of_two_exchanges_one_is_refused() {
    let world = World::random(22, 200).await;
    let database = Database::new().await;
    database.project(&world, 100).await;
    rebuilt(&database, &world.shared()).await;
    let mut other = database.sql().await;
    let claim = "select pg_advisory_lock(hashtextextended('almanac editions', 0))";
    sqlx::raw_sql(claim)
        .execute(&mut other)
        .await
        .expect("claimed");
    let at_work = projections::editions::is_at_work(&database.overview).await;
    assert!(at_work.expect("asked"));
    let [next, previous] = refusal(&database, &world).await;
    says(
        next.as_ref(),
        "another rebuild, swap or rollback is at work",
    );
    says(previous.as_ref(), "is at work");
    drop(other);
    let free = crate::database::poll(async || {
        let at_work = projections::editions::is_at_work(&database.overview).await;
        (!at_work.expect("asked")).then_some(())
    });
    free.await;
    swapped(&database, &world.shared()).await;
}
