//! What each role of Postgres must not do, tried as that role.
//!
//! Invariant: a wall is tried with SQL that the crate itself would never send, so it stands by
//! itself and not because the queries are right.

use std::{borrow::Cow, collections::BTreeSet};

use projections::{ConnectError, Extracts, Overview, Owner, Store, Writer};
use schemas::domain::Timestamp;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::{
    database::{Database, Urls, config, empty},
    world::{TENANTS, World},
};

/// Tables that keep tenants apart.
const TABLES: [&str; 23] = [
    "api_keys",
    "api_keys_history",
    "audit",
    "counts",
    "event_log",
    "jobs",
    "jobs_history",
    "operations",
    "operations_history",
    "parked",
    "resource_types",
    "resource_types_history",
    "resources",
    "resources_history",
    "settings",
    "settings_history",
    "skipped_commits",
    "tasks",
    "tasks_history",
    "tenants",
    "tenants_history",
    "users",
    "users_history",
];
/// Those that a gateway reads.
const SERVED: [&str; 22] = [
    "api_keys",
    "api_keys_history",
    "audit",
    "counts",
    "event_log",
    "jobs",
    "jobs_history",
    "operations",
    "operations_history",
    "parked",
    "resource_types",
    "resource_types_history",
    "resources",
    "resources_history",
    "settings",
    "settings_history",
    "tasks",
    "tasks_history",
    "tenants",
    "tenants_history",
    "users",
    "users_history",
];
/// What none but the owner may do.
const NOBODY: [&str; 18] = [
    "create table mine ()",
    "create temporary table mine ()",
    "create schema mine",
    "create function mine() returns int language sql as 'select 1'",
    "create view mine as select * from jobs",
    "alter table jobs disable row level security",
    "alter table jobs no force row level security",
    "alter table jobs add column mine int",
    "create policy mine on jobs using (true)",
    "drop policy one_tenant on jobs",
    "drop table jobs",
    "truncate jobs",
    "alter table jobs owner to current_user",
    "alter role current_user bypassrls",
    "set role almanac_owner",
    "set session authorization almanac_owner",
    "select pg_read_file('/etc/passwd')",
    "select * from event_log_0",
];

/// Both tenants' histories, with something parked of each and of nobody.
async fn filled() -> (World, Database) {
    let world = World::random(5, 900).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    for (at, tenant) in TENANTS.into_iter().enumerate() {
        let parked = format!(
            "insert into parked (position, tenant_id, kind, id, reason, payload) \
             values ({}, '{tenant}', 'task', gen_random_uuid(), 'none', '')",
            1_000_000 + at
        );
        database.spoil(&parked).await;
        let skipped = format!(
            "insert into skipped_commits (position, tenant_id, kind, id, reason, payload, \
             skipped_at, skipped_by, skipped_reason, skipped_position) \
             values ({}, '{tenant}', 'task', gen_random_uuid(), 'none', '', now(), '', '', 1)",
            3_000_000 + at
        );
        database.spoil(&skipped).await;
        let audited = format!(
            "insert into audit (tenant_id, position, index, record) values ('{tenant}', {at}, 0, \
             jsonb_build_object('id', gen_random_uuid(), 'at', '2027-01-01T00:00:00.000Z'))"
        );
        database.spoil(&audited).await;
    }
    database
        .spoil("insert into parked (position, reason, payload) values (2000000, 'none', '')")
        .await;
    (world, database)
}

async fn session(url: &str) -> PgConnection {
    let mut connection = PgConnection::connect(url).await.expect("connected");
    // Analysts may only read unless they say otherwise, which they may; it gives them no right.
    sqlx::raw_sql("set search_path = app; set default_transaction_read_only = off")
        .execute(&mut connection)
        .await
        .expect("set");
    connection
}

/// Whose rows a statement answers with.
async fn whose(connection: &mut PgConnection, statement: String) -> BTreeSet<Option<Uuid>> {
    let rows = sqlx::query(AssertSqlSafe(statement.clone()))
        .fetch_all(connection)
        .await
        .unwrap_or_else(|failure| panic!("{statement}: {failure}"));
    rows.iter().map(|row| row.get("tenant_id")).collect()
}

/// The statement must be refused for want of a privilege (42501), and not for something else.
async fn refused(url: &str, statement: &str) {
    let mut connection = session(url).await;
    let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&mut connection)
        .await;
    let failure = done.map(|done| done.rows_affected());
    let failure = failure.expect_err(statement);
    let code = failure
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    assert_eq!(code, Some(Cow::Borrowed("42501")), "{statement}: {failure}");
}

#[tokio::test]
async fn every_table_of_tenants_is_closed_also_to_its_owner() {
    let (_world, database) = filled().await;
    let ask = "select c.relname::text as name, c.relispartition, \
               c.relrowsecurity and c.relforcerowsecurity as closed, \
               (select count(*) from pg_policy where polrelid = c.oid and polname = 'one_tenant') \
               as policies \
               from pg_class c join pg_attribute a on a.attrelid = c.oid \
               where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p') \
               and a.attname = 'tenant_id' order by 1";
    let rows = sqlx::query(ask).fetch_all(&mut database.sql().await).await;
    let rows = rows.expect("asked");
    let mut tables = Vec::new();
    for row in &rows {
        let name: String = row.get("name");
        assert!(row.get::<bool, _>("closed"), "{name} is open");
        if !row.get::<bool, _>("relispartition") {
            assert_eq!(row.get::<i64, _>("policies"), 1, "{name}");
            tables.push(name);
        }
    }
    assert_eq!(tables, TABLES);
    assert!(rows.len() > TABLES.len(), "no partition was looked at");

    let mut owner = session(&database.urls.owner).await;
    for table in TABLES {
        let seen = whose(&mut owner, format!("select tenant_id from {table}")).await;
        assert_eq!(seen, BTreeSet::new(), "the owner sees {table}");
    }
}

#[tokio::test]
async fn a_gateway_sees_the_tenant_it_has_named_and_nobody_before() {
    let (_world, database) = filled().await;
    let mut gateway = session(&database.urls.gateway).await;
    let ways = |table: &str| {
        [
            format!("select tenant_id from {table}"),
            format!(
                "select tenant_id from {table} where tenant_id = '{}'",
                TENANTS[0]
            ),
            format!(
                "select tenant_id from {table} where true or tenant_id = '{}'",
                TENANTS[1]
            ),
            format!("select b.tenant_id from {table} a right join {table} b on false"),
            format!(
                "select x.tenant_id from (table checkpoint) c, lateral \
                     (select tenant_id from {table}) x"
            ),
            format!("with x as materialized (select tenant_id from {table}) table x"),
        ]
    };
    for table in SERVED {
        for way in ways(table) {
            let seen = whose(&mut gateway, way.clone()).await;
            assert_eq!(seen, BTreeSet::new(), "{way}, with no tenant named");
        }
        for tenant in TENANTS {
            let mine = BTreeSet::from([Some(tenant.uuid())]);
            let mut begun = gateway.begin().await.expect("begun");
            let name = format!("set local almanac.tenant = '{tenant}'");
            sqlx::raw_sql(AssertSqlSafe(name))
                .execute(&mut *begun)
                .await
                .expect("named");
            for way in ways(table) {
                let seen = whose(&mut begun, way.clone()).await;
                assert!(seen.is_subset(&mine), "{way} as {tenant}: {seen:?}");
            }
            let all = whose(&mut begun, format!("select tenant_id from {table}")).await;
            assert_eq!(all, mine, "{table} shows its own tenant");
            begun.commit().await.expect("ended");
        }
        let seen = whose(&mut gateway, format!("select tenant_id from {table}")).await;
        assert_eq!(
            seen,
            BTreeSet::new(),
            "{table}, when the transaction is over"
        );
    }
}

/// Platform administrators list tenants: their own rows, and nothing that belongs to them.
#[tokio::test]
async fn who_lists_tenants_sees_their_own_rows_alone() {
    let (_world, database) = filled().await;
    let mut gateway = session(&database.urls.gateway).await;
    let mut begun = gateway.begin().await.expect("begun");
    sqlx::raw_sql("set local almanac.list = 'tenants'")
        .execute(&mut *begun)
        .await
        .expect("named");
    let everybody: BTreeSet<_> = TENANTS.map(|tenant| Some(tenant.uuid())).into();
    for table in SERVED {
        let seen = whose(&mut begun, format!("select tenant_id from {table}")).await;
        if ["tenants", "tenants_history"].contains(&table) {
            assert_eq!(seen, everybody, "{table}");
        } else {
            assert_eq!(seen, BTreeSet::new(), "{table}");
        }
    }
    begun.commit().await.expect("ended");
    let seen = whose(&mut gateway, "select tenant_id from tenants".to_owned()).await;
    assert_eq!(seen, BTreeSet::new(), "when the transaction is over");
    for other in ["users", "tenants_history", "*", "tenants,users", "TENANTS"] {
        let mut begun = gateway.begin().await.expect("begun");
        let name = format!("set local almanac.list = '{other}'");
        sqlx::raw_sql(AssertSqlSafe(name))
            .execute(&mut *begun)
            .await
            .expect("named");
        for table in ["tenants", "tenants_history"] {
            let seen = whose(&mut begun, format!("select tenant_id from {table}")).await;
            assert_eq!(seen, BTreeSet::new(), "{other}: {table}");
        }
    }
}

/// Only events may be read for several at once, and only of those that are named.
#[tokio::test]
async fn several_tenants_are_named_for_events_alone() {
    let (_world, database) = filled().await;
    let mut gateway = session(&database.urls.gateway).await;
    let name = format!(
        "set almanac.tenant = '{},{}'",
        TENANTS[0],
        Uuid::from_u128(7)
    );
    sqlx::raw_sql(AssertSqlSafe(name))
        .execute(&mut gateway)
        .await
        .expect("named");
    let seen = whose(&mut gateway, "select tenant_id from event_log".to_owned()).await;
    assert_eq!(seen, BTreeSet::from([Some(TENANTS[0].uuid())]));
    for table in SERVED.into_iter().filter(|table| *table != "event_log") {
        let ask = AssertSqlSafe(format!("select tenant_id from {table}"));
        let answer = sqlx::query(ask).fetch_all(&mut gateway).await;
        assert!(
            answer.is_err(),
            "{table}: {} rows",
            answer.expect("rows").len()
        );
    }
}

#[tokio::test]
async fn no_serving_role_changes_what_it_must_not() {
    let (_world, database) = filled().await;
    let Urls {
        auditor,
        gateway,
        projector,
        scheduler,
        ..
    } = &database.urls;
    for url in [auditor, gateway, projector, scheduler] {
        for statement in NOBODY {
            refused(url, statement).await;
        }
        refused(url, "delete from checkpoint").await;
        refused(url, "delete from audit_checkpoint").await;
    }
    for url in [auditor, gateway, scheduler] {
        for table in TABLES.into_iter().chain(["checkpoint"]) {
            for change in [
                format!("insert into {table} default values"),
                format!("delete from {table}"),
            ] {
                refused(url, &change).await;
            }
        }
        refused(url, "update jobs set version = 1").await;
        refused(url, "select ensure_event_log_partitions(0, 1)").await;
    }
}

#[tokio::test]
async fn each_reads_and_writes_no_more_than_it_needs() {
    let (_world, database) = filled().await;
    let urls = &database.urls;
    for table in TABLES.into_iter().filter(|table| !SERVED.contains(table)) {
        refused(&urls.gateway, &format!("select from {table}")).await;
    }
    refused(&urls.gateway, "select from audit_checkpoint").await;
    refused(&urls.gateway, "select payload from parked").await;
    for table in TABLES
        .into_iter()
        .filter(|table| !["jobs", "operations", "tasks", "tasks_history"].contains(table))
    {
        refused(&urls.scheduler, &format!("select from {table}")).await;
    }
    for table in [
        "event_log",
        "parked",
        "skipped_commits",
        "tasks_history",
        "users_history",
    ] {
        if table != "parked" {
            refused(&urls.projector, &format!("delete from {table}")).await;
        }
        refused(
            &urls.projector,
            &format!("update {table} set tenant_id = tenant_id"),
        )
        .await;
    }
    refused(&urls.projector, "update audit set record = '{}'").await;
    let everybody: BTreeSet<_> = TENANTS.map(|tenant| Some(tenant.uuid())).into();
    for table in TABLES {
        refused(&urls.analyst, &format!("select from app.{table}")).await;
    }
    let mut auditor = session(&urls.auditor).await;
    for table in TABLES.into_iter().filter(|table| *table != "parked") {
        let seen = whose(&mut auditor, format!("select tenant_id from {table}")).await;
        assert!(seen.is_subset(&everybody), "{table}: {seen:?}");
        assert!(
            !seen.is_empty() || table.ends_with("_history"),
            "{table} is empty"
        );
    }
    let mut scheduler = session(&urls.scheduler).await;
    for table in ["jobs", "operations", "tasks"] {
        let seen = whose(&mut scheduler, format!("select tenant_id from {table}")).await;
        assert_eq!(seen, everybody, "{table}");
    }
}

/// All cells of process × role: each begins with its own role, and with no other.
#[tokio::test]
async fn a_process_refuses_a_role_that_may_do_more_or_less() {
    let (_world, database) = filled().await;
    let urls = &database.urls;
    let roles = [
        ("almanac_auditor", &urls.auditor),
        ("almanac_gateway", &urls.gateway),
        ("almanac_owner", &urls.owner),
        ("almanac_projector", &urls.projector),
        ("almanac_scheduler", &urls.scheduler),
        ("almanac_worker", &urls.worker),
        ("analyst", &urls.analyst),
        ("postgres", &urls.superuser),
    ];
    for (role, url) in roles {
        let config = config(url);
        let outcomes = [
            (
                "almanac_auditor",
                Overview::of_everything(&config).await.map(drop),
            ),
            ("almanac_gateway", Store::connect(&config).await.map(drop)),
            (
                "almanac_projector",
                Writer::connect(&config).await.map(drop),
            ),
            (
                "almanac_scheduler",
                Overview::of_schedule(&config).await.map(drop),
            ),
            ("almanac_worker", Extracts::connect(&config).await.map(drop)),
        ];
        for (wanted, outcome) in outcomes {
            match outcome {
                Ok(()) => assert_eq!(wanted, role, "{role} was taken for {wanted}"),
                Err(refusal @ ConnectError::Unsafe { .. }) => {
                    assert_ne!(wanted, role, "{refusal}");
                    let line = refusal.to_string();
                    let told = format!("unsafe configuration: postgres.url signs in as {role}, ");
                    assert!(line.starts_with(&told), "{line}");
                    assert!(line.ends_with(&format!("→ sign in as {wanted}")), "{line}");
                }
                Err(failure) => panic!("{role} as {wanted}: {failure}"),
            }
        }
    }
    let owner = Owner::connect(&config(&urls.superuser)).await;
    let line = owner.expect_err("a superuser").to_string();
    assert!(line.contains("→ sign in as almanac_owner"), "{line}");
}

#[tokio::test]
async fn before_there_are_tables_all_but_the_owner_say_what_to_do() {
    let urls = empty().await;
    let writer = Writer::connect(&config(&urls.projector)).await;
    let line = writer.expect_err("no tables").to_string();
    assert!(line.ends_with("run `almanac setup` first"), "{line}");
    let owner = Owner::connect(&config(&urls.owner)).await;
    owner.expect("begins").migrate().await.expect("migrated");
    Writer::connect(&config(&urls.projector))
        .await
        .expect("tables");
}

/// Tables of a version before this one, with rows in them.
#[tokio::test]
async fn what_was_open_is_closed_by_migrating() {
    let urls = empty().await;
    let mut owner = PgConnection::connect(&urls.owner).await.expect("connected");
    sqlx::raw_sql("create schema app; set search_path = app")
        .execute(&mut owner)
        .await
        .expect("made");
    let mut before = sqlx::migrate!();
    before
        .migrations
        .to_mut()
        .retain(|migration| migration.version <= 3);
    before.run(&mut owner).await.expect("migrated");
    let rows = format!(
        "select ensure_event_log_partitions(0, 5000000);
         insert into counts values ('{}', 'jobs', 'active', 1), ('{}', 'jobs', 'active', 2)",
        TENANTS[0], TENANTS[1]
    );
    sqlx::raw_sql(AssertSqlSafe(rows))
        .execute(&mut owner)
        .await
        .expect("filled");
    drop(owner);

    let database = Database::at(urls).await;
    let found = projections::stats::get(&database.store, TENANTS[1], Timestamp::default()).await;
    assert_eq!(found.expect("read").position.0, 0);
    let mut gateway = session(&database.urls.gateway).await;
    let seen = whose(&mut gateway, "select tenant_id from counts".to_owned()).await;
    assert_eq!(seen, BTreeSet::new());
    refused(&database.urls.gateway, "select from event_log_1").await;
    let open = "select count(*) from pg_class where relispartition and relkind = 'r' \
                and not (relrowsecurity and relforcerowsecurity)";
    let open: i64 = sqlx::query_scalar(open)
        .fetch_one(&mut database.sql().await)
        .await
        .expect("asked");
    assert_eq!(open, 0, "partitions are open");
}
