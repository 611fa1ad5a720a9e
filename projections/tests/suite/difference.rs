//! Two copies of the read models are compared row by row.
//!
//! Invariant: what differs is counted and named, whatever table it is in, and nothing else is.

use projections::{Differences, What, difference, rebuild_into};
use schemas::{
    Position, StreamId,
    domain::{AggregateKind, TaskId},
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    database::Database,
    world::{TENANTS, World},
};

/// A database whose read models have been rebuilt in the schema `again`, with a row at least in
/// every table.
async fn twice(world: &World) -> Database {
    let database = Database::new().await;
    database.project(world, 500).await;
    let log = world.shared();
    let rebuilt = rebuild_into(&log, &database.owner, &database.writer, "again", |_| {});
    rebuilt.await.expect("rebuilt");
    database
}

async fn world() -> World {
    let mut world = World::random(11, 900).await;
    for id in 0..2 {
        let stream = StreamId {
            tenant: TENANTS[0],
            kind: AggregateKind::Task,
            id: TaskId::new(Uuid::from_u128(77 << 64 | id)).uuid(),
        };
        world.append(stream, b"poison".to_vec(), |_| {}).await;
    }
    world
}

async fn compare(database: &Database) -> Differences {
    let again = database.overview.beside("again");
    difference(&database.overview, &again, 3)
        .await
        .expect("compared")
}

#[tokio::test]
async fn a_rebuild_is_alike_and_every_table_is_compared() {
    let database = twice(&world().await).await;
    let found = compare(&database).await;
    assert!(found.is_empty(), "{found}");
    assert_eq!(found.positions.0, found.positions.1);
    assert!(found.rows > 2_000, "{}", found.rows);

    let ask = "select table_name::text from information_schema.tables \
               where table_schema = 'app' and table_type = 'BASE TABLE' \
               and table_name not like '\\_sqlx%' and table_name !~ '^event_log_[0-9]+$' \
               and table_name not in ('audit', 'audit_checkpoint', 'checkpoint', 'extracts') \
               order by 1";
    let tables: Vec<String> = sqlx::query_scalar(ask)
        .fetch_all(&mut database.sql().await)
        .await
        .expect("asked");
    let compared: Vec<_> = found.tables.iter().map(|table| table.table).collect();
    assert_eq!(
        compared, tables,
        "what does not come from the log is named here"
    );
}

/// A statement that leaves out what stands at `position`.
fn skipped(position: u64) -> String {
    format!(
        "insert into skipped_commits (position, reason, payload, skipped_at, skipped_by, \
         skipped_reason, skipped_position) values ({position}, 'none', '', now(), 'nobody', \
         'none', {position})"
    )
}

/// The statements that change one row of a table, take one away and add one.
fn faults(table: &str) -> [String; 3] {
    let (key, changed, added) = match table {
        "counts" => (
            "tenant_id, model, bucket",
            "total = total + 1".to_owned(),
            "insert into counts values (gen_random_uuid(), 'tasks', 'none', 1)".to_owned(),
        ),
        "event_log" => (
            "position, index",
            "data = '{\"planted\":1}'".to_owned(),
            "insert into event_log (position, index, tenant_id, kind, id, version, type, \
             schema_version, occurred_at, actor, command_id, correlation_id, hash, data) \
             select 1000000, 0, tenant_id, kind, id, version, type, schema_version, occurred_at, \
             actor, command_id, correlation_id, hash, data from event_log limit 1"
                .to_owned(),
        ),
        "moments" => (
            "position",
            "latest = latest + interval '1 s'".to_owned(),
            "insert into moments values (1000000, 'infinity', 'infinity')".to_owned(),
        ),
        "parked" => (
            "position",
            "reason = 'planted'".to_owned(),
            "insert into parked (position, reason, payload) values (1000000, 'none', '')"
                .to_owned(),
        ),
        "skipped_commits" => (
            "position",
            "skipped_reason = 'planted'".to_owned(),
            skipped(1_000_000),
        ),
        history if history.ends_with("_history") => (
            "tenant_id, id, valid_from",
            "state = state || '{\"planted\":1}'".to_owned(),
            format!(
                "insert into {table} (tenant_id, id, version, valid_from, valid_to, state) \
                 select tenant_id, id, version, 1000000, 1000001, state from {table} limit 1"
            ),
        ),
        _ => (
            "tenant_id, id",
            "state = state || '{\"planted\":1}'".to_owned(),
            format!(
                "insert into {table} (tenant_id, id, version, position, state) \
                 select tenant_id, gen_random_uuid(), version, position, state from {table} limit 1"
            ),
        ),
    };
    let last = format!("{} desc", key.replace(',', " desc,"));
    let row =
        |order: &str| format!("({key}) in (select {key} from {table} order by {order} limit 1)");
    [
        format!("update {table} set {changed} where {}", row(key)),
        format!("delete from {table} where {}", row(&last)),
        added,
    ]
}

#[tokio::test]
async fn a_row_changed_removed_or_added_by_hand_is_found_in_every_table() {
    let database = twice(&world().await).await;
    let mut sql = database.sql().await;
    // Nothing was left out of this log.
    let same = [skipped(1), skipped(2)].map(|one| one.replace("now()", "'epoch'"));
    for statement in [
        "set search_path = app",
        &same[0],
        &same[1],
        "set search_path = again",
        &same[0],
        &same[1],
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut sql)
            .await
            .expect("done");
    }
    let tables = compare(&database).await.tables;
    for table in &tables {
        for fault in faults(table.table) {
            let done = sqlx::query(AssertSqlSafe(fault.clone()))
                .execute(&mut sql)
                .await;
            let done = done.unwrap_or_else(|failure| panic!("{fault}: {failure}"));
            assert_eq!(done.rows_affected(), 1, "{fault}");
        }
    }
    for table in compare(&database).await.tables {
        let found = (table.added, table.removed, table.changed);
        assert_eq!(found, (1, 1, 1), "{}", table.table);
        let mut kinds: Vec<_> = table.samples.iter().map(|sample| sample.what).collect();
        kinds.sort();
        assert_eq!(kinds, [What::Added, What::Changed, What::Removed]);
        for sample in &table.samples {
            let rows = (sample.one.is_some(), sample.other.is_some());
            let wanted = match sample.what {
                What::Added => (false, true),
                What::Changed => (true, true),
                What::Removed => (true, false),
            };
            assert_eq!(rows, wanted, "{sample:#?}");
            let row = sample
                .other
                .as_ref()
                .or(sample.one.as_ref())
                .expect("a row");
            let names = match table.table {
                "counts" => &["model", "bucket"][..],
                "moments" => &["position"],
                _ => &[],
            };
            for name in names {
                let told = format!(" {name} {}", row[name]);
                assert!(sample.to_string().contains(&told), "{sample}");
            }
            let is_told = sample.fields.is_empty() == (sample.what != What::Changed);
            assert!(is_told, "{sample:#?}");
        }
    }
}

#[tokio::test]
async fn a_sample_names_the_fields_and_the_events_behind_them() {
    let mut world = World::random(11, 200).await;
    let database = twice(&world).await;
    let ask = "update again.tasks set state = jsonb_set(state, '{spec,timeout_ms}', '1001') \
               where position = (select max(position) from again.tasks) returning id, position";
    let (id, position): (Uuid, i64) = sqlx::query_as(ask)
        .fetch_one(&mut database.sql().await)
        .await
        .expect("changed");
    let found = compare(&database).await;
    let differing: Vec<_> = found
        .tables
        .iter()
        .filter(|table| !table.is_empty())
        .collect();
    let [tasks] = &differing[..] else {
        panic!("{found}");
    };
    let [sample] = &tasks.samples[..] else {
        panic!("{found}");
    };
    assert_eq!((tasks.table, sample.id), ("tasks", Some(id)));
    assert_eq!(sample.fields, ["/state/spec/timeout_ms"]);
    assert_eq!(sample.kind.as_deref(), Some("task"));
    let behind = (Position(position as u64), None);
    let events = sample
        .events
        .iter()
        .map(|event| (event.position, event.what));
    assert!(events.clone().all(|event| event == behind), "{sample:#?}");
    assert!(events.count() > 0 && sample.events[0].name.starts_with("task."));
    let told = found.to_string();
    let line = format!("changed task {id} of tenant");
    assert!(
        told.contains(&line) && told.contains("/state/spec/timeout_ms"),
        "{told}"
    );

    // Copies at two positions differ by what lies between, and the positions say so.
    let before = found.positions;
    for _ in 0..20 {
        world.step().await;
    }
    database.project(&world, 500).await;
    let found = compare(&database).await;
    assert_eq!(found.positions, (world.head().await, before.1));
    let mirror = found.tables.iter().find(|table| table.table == "event_log");
    let mirror = mirror.expect("the mirror");
    assert!(
        mirror.removed > 0 && (mirror.added, mirror.changed) == (0, 0),
        "{found}"
    );
    assert!(found.to_string().starts_with("position "), "{found}");
}

#[tokio::test]
async fn what_is_no_copy_is_not_compared() {
    let database = Database::new().await;
    let nowhere = database.overview.beside("nowhere");
    let refused = difference(&database.overview, &nowhere, 3).await;
    assert!(refused.is_err(), "{refused:?}");
}
