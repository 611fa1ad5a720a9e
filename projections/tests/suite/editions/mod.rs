//! Editions of the read models: built beside the live one, exchanged with it, and back again.
//!
//! Invariant: whoever reads, writes or keeps rows while an edition is exchanged notices nothing but
//! what the other edition holds.

mod busy;
mod kept;
mod refused;

use event_log::SharedLog;
use projections::{
    editions::{Built, Edition, Exchanged, Found, State, list, rebuild, rollback, swap},
    verify,
};
use sqlx::{Connection as _, PgConnection};

use crate::{
    database::Database,
    world::{TENANTS, World},
};

async fn rebuilt(database: &Database, log: &SharedLog) -> Built {
    let servers = (&database.owner, &database.writer, &database.overview);
    let built = rebuild(log, servers, 3, |_| {});
    built.await.expect("rebuilt")
}

async fn swapped(database: &Database, log: &SharedLog) -> Exchanged {
    let swapped = swap(log, &database.owner, &database.writer, |_| {});
    swapped.await.expect("swapped")
}

async fn rolled_back(database: &Database, log: &SharedLog) -> Exchanged {
    let back = rollback(log, &database.owner, &database.writer, |_| {});
    back.await.expect("rolled back")
}

async fn found(database: &Database) -> Vec<Found> {
    list(&database.overview, true).await.expect("listed")
}

/// Whether every row is what the log says.
async fn holds(database: &Database, world: &World) -> bool {
    let verified = verify(&world.shared(), &database.overview).await;
    verified.expect("verified").holds()
}

#[tokio::test]
async fn what_was_spoilt_is_mended_by_a_swap_and_comes_back_by_a_rollback() {
    let mut world = World::random(11, 300).await;
    let database = Database::new().await;
    database.project(&world, 100).await;
    database
        .spoil("update tasks set state = jsonb_set(state, '{status}', '\"dead\"')")
        .await;
    assert!(!holds(&database, &world).await);
    let built = rebuilt(&database, &world.shared()).await;
    assert_eq!(built.position, world.head().await);
    let differ = built.would_change;
    let differ = differ.tables.iter().filter(|table| !table.is_empty());
    let differ: Vec<_> = differ.map(|table| (table.table, table.changed)).collect();
    assert!(matches!(differ[..], [("tasks", 1..)]), "{differ:?}");
    assert!(
        !holds(&database, &world).await,
        "a rebuild changed what is live"
    );

    let exchanged = swapped(&database, &world.shared()).await;
    assert_eq!(exchanged.position, world.head().await);
    assert_eq!(exchanged.generation, 1);
    assert!(holds(&database, &world).await);
    analysts_see_what_is_live(&database).await;
    database.is_rebuilt_alike(&world.shared()).await;

    // What happened since is in it when it comes back, and what was wrong is as well.
    for _ in 0..100 {
        world.step().await;
    }
    database.project(&world, 10).await;
    let exchanged = rolled_back(&database, &world.shared()).await;
    assert_eq!(
        (exchanged.position, exchanged.generation),
        (world.head().await, 2)
    );
    assert!(!holds(&database, &world).await);
    analysts_see_what_is_live(&database).await;
    let exchanged = rolled_back(&database, &world.shared()).await;
    assert_eq!(exchanged.generation, 3);
    assert!(holds(&database, &world).await);
    for _ in 0..100 {
        world.step().await;
    }
    database.project(&world, 10).await;
    database.is_rebuilt_alike(&world.shared()).await;
}

async fn analysts_see_what_is_live(database: &Database) {
    let mut analyst = PgConnection::connect(&database.urls.analyst)
        .await
        .expect("connected");
    let ask = "select count(*) from analytics.tasks where status = 'dead'";
    let seen: i64 = sqlx::query_scalar(ask)
        .fetch_one(&mut analyst)
        .await
        .expect("asked");
    let ask = "select count(*) from tasks where status = 'dead'";
    assert_eq!(seen, count(database, ask).await);
}

/// The figure that `ask` answers with, of all tenants.
async fn count(database: &Database, ask: &'static str) -> i64 {
    let mut sql = database.sql().await;
    let asked = sqlx::query_scalar(ask).fetch_one(&mut sql).await;
    asked.expect("asked")
}

#[tokio::test]
async fn it_is_told_which_editions_there_are() {
    let world = World::random(12, 200).await;
    let database = Database::new().await;
    database.project(&world, 100).await;
    let alone = found(&database).await;
    assert_eq!(alone.len(), 1);
    assert_eq!(alone[0].filled_at, None);

    rebuilt(&database, &world.shared()).await;
    let two = found(&database).await;
    let names: Vec<_> = two.iter().map(|found| found.edition).collect();
    assert_eq!(names, [Edition::Live, Edition::Next]);
    assert!(two[1].filled_at.is_some() && two[1].bytes > 100_000);
    assert!(two.iter().all(|found| found.state == State::Complete));
    assert_eq!(two[0].position, two[1].position);
    let mut tables = two[0].rows.clone();
    tables.retain(|table, _| !table.starts_with("audit"));
    assert!(tables["event_log"] >= 200 && tables.len() > 15);
    let mut beside = two[1].rows.clone();
    beside.retain(|table, _| !table.starts_with("audit"));
    assert_eq!(tables, beside);

    swapped(&database, &world.shared()).await;
    let two = found(&database).await;
    let names: Vec<_> = two.iter().map(|found| found.edition).collect();
    assert_eq!(names, [Edition::Live, Edition::Previous]);
    assert_eq!((two[0].generation, two[1].generation), (1, 0));
    // The one before the last but one is not kept.
    rebuilt(&database, &world.shared()).await;
    assert_eq!(found(&database).await.len(), 3);
    swapped(&database, &world.shared()).await;
    assert_eq!(found(&database).await.len(), 2);
    let gone = "select count(*) from pg_namespace where nspname = 'app_discarded'";
    assert_eq!(count(&database, gone).await, 0);
}

#[tokio::test]
async fn roles_see_the_live_edition_and_no_other() {
    let world = World::random(13, 200).await;
    let database = Database::new().await;
    database.project(&world, 100).await;
    let before = database.shape("app").await;
    rebuilt(&database, &world.shared()).await;
    swapped(&database, &world.shared()).await;
    // The audit's column has another place in its table, not another meaning.
    assert_eq!(before, database.shape("app").await);
    for role in [
        "almanac_gateway",
        "almanac_scheduler",
        "almanac_worker",
        "analyst",
    ] {
        let ask = sqlx::query_scalar::<_, bool>(
            "select has_schema_privilege($1, 'app_previous', 'usage')",
        );
        let may = ask.bind(role).fetch_one(&mut database.sql().await).await;
        assert!(!may.expect("asked"), "{role}");
    }
    let tenant = TENANTS[0];
    let again = database.again().await;
    for store in [&database.store, &again] {
        let stats = projections::stats::get(store, tenant, world.now()).await;
        assert_eq!(stats.expect("read").position, world.head().await);
    }
    rolled_back(&database, &world.shared()).await;
    assert_eq!(before, database.shape("app").await);
}
