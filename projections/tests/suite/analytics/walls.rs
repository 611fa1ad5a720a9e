//! What analysts must not do and not see, tried as them.
//!
//! Invariant: whatever an analyst says about themselves, views show what the role may see.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::{
    database::{Database, Urls},
    world::{TENANTS, World},
};

/// What is refused, with what Postgres says (SQLSTATE).
const REFUSED: [(&str, &str); 22] = [
    ("select * from app.tasks", "42501"),
    ("select * from app.audit", "42501"),
    ("select * from app.checkpoint", "42501"),
    ("select * from app._sqlx_migrations", "42501"),
    ("select app.ensure_event_log_partitions(0, 1)", "42501"),
    ("select pg_read_file('/etc/passwd')", "42501"),
    ("select * from pg_statistic", "42501"),
    ("select * from pg_authid", "42501"),
    ("copy tasks to program 'cat'", "42501"),
    ("delete from tasks", "42501"),
    ("insert into tasks default values", "42501"),
    ("update users set tenant_id = null", "42501"),
    ("truncate tasks", "42809"),
    ("create table mine ()", "42501"),
    ("create temporary table mine ()", "42501"),
    ("create schema mine", "42501"),
    ("create view analytics.mine as select 1", "42501"),
    (
        "create function pg_temp.f() returns int language sql as 'select 1'",
        "42501",
    ),
    ("drop view tasks", "42501"),
    ("set role almanac_owner", "42501"),
    ("set session authorization almanac_owner", "42501"),
    ("alter role analyst connection limit 100", "42501"),
];

async fn session(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("connected")
}

async fn said(connection: &mut PgConnection, statement: &str) -> Option<String> {
    let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(connection)
        .await;
    let failure = done.err()?;
    Some(failure.as_database_error()?.code()?.into_owned())
}

async fn text(connection: &mut PgConnection, ask: &str) -> String {
    let asked = sqlx::query_scalar(AssertSqlSafe(ask.to_owned()));
    asked.fetch_one(connection).await.expect(ask)
}

/// Whose rows each view shows.
async fn whose(connection: &mut PgConnection) -> BTreeSet<Option<Uuid>> {
    let views = "select object from catalog where \"column\" = 'tenant_id'";
    let views: Vec<String> = sqlx::query_scalar(views)
        .fetch_all(&mut *connection)
        .await
        .expect("asked");
    assert!(views.len() > 50, "{views:?}");
    let mut seen = BTreeSet::new();
    for view in views {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "select distinct tenant_id from {view}"
        )))
        .fetch_all(&mut *connection)
        .await
        .expect("asked");
        seen.extend(rows.iter().map(|row| row.get::<Option<Uuid>, _>(0)));
    }
    seen
}

async fn filled() -> Database {
    let world = World::random(12, 700).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    database
}

/// A role of its own, with what an administrator of the cluster gives it.
async fn bound(database: &Database, name: &str) -> String {
    let make = format!("create role \"{name}\" login password 'of this test' in role analyst");
    sqlx::raw_sql(AssertSqlSafe(make))
        .execute(&mut database.sql().await)
        .await
        .expect("made");
    let Urls { analyst, .. } = &database.urls;
    let (_, place) = analyst.split_once('@').expect("a login");
    format!("postgres://{name}:of%20this%20test@{place}?options=-csearch_path%3Danalytics")
}

#[tokio::test]
async fn an_analyst_changes_nothing_and_sees_no_other_schema() {
    let database = filled().await;
    let mut analyst = session(&database.urls.analyst).await;
    assert_eq!(
        said(&mut analyst, "delete from tasks").await.as_deref(),
        Some("42501")
    );
    let by_default = text(&mut analyst, "show transaction_read_only").await;
    assert_eq!(by_default, "on");
    // The default is for accidents: it can be turned off, and then gives no right.
    assert_eq!(
        said(&mut analyst, "set default_transaction_read_only = off").await,
        None
    );
    for (statement, code) in REFUSED {
        let said = said(&mut analyst, statement).await;
        assert_eq!(said.as_deref(), Some(code), "{statement}");
    }
    let usable = "select string_agg(nspname::text, ',' order by nspname) from pg_namespace \
                  where has_schema_privilege(oid, 'usage') \
                  and nspname not in ('pg_catalog', 'information_schema')";
    assert_eq!(text(&mut analyst, usable).await, "analytics");
    let writable = "select count(*)::text from pg_class c where relnamespace = \
                    'analytics'::regnamespace and has_table_privilege(c.oid, \
                    'insert, update, delete, truncate, references, trigger')";
    assert_eq!(text(&mut analyst, writable).await, "0");
    // What Postgres knows of the values in columns.
    sqlx::raw_sql("analyze")
        .execute(&mut database.sql().await)
        .await
        .expect("analyzed");
    let statistics = "select count(*)::text from pg_stats \
                      where schemaname not in ('pg_catalog', 'information_schema')";
    assert_eq!(text(&mut analyst, statistics).await, "0");
    let all = "select count(*)::text from pg_stats where schemaname = 'app'";
    assert_ne!(text(&mut database.sql().await, all).await, "0");
}

#[tokio::test]
async fn an_analyst_sees_all_tenants_and_one_of_a_tenant_that_one() {
    let database = filled().await;
    let tenants = "select id, slug::text from app.tenants order by 1";
    let tenants = sqlx::query(tenants)
        .fetch_all(&mut database.sql().await)
        .await;
    let tenants = tenants.expect("asked");
    let (id, slug): (Uuid, String) = (tenants[0].get(0), tenants[0].get(1));
    assert_eq!(id, TENANTS[0].uuid());
    let everybody: BTreeSet<_> = TENANTS.map(|tenant| Some(tenant.uuid())).into();
    assert_eq!(
        whose(&mut session(&database.urls.analyst).await).await,
        everybody
    );

    let mine = BTreeSet::from([Some(id)]);
    let url = bound(&database, &format!("analyst_{slug}")).await;
    let mut analyst = session(&url).await;
    assert_eq!(whose(&mut analyst).await, mine);
    let other = TENANTS[1];
    for way in [
        &*format!("set almanac.tenant = '{other}'"),
        "set almanac.list = 'tenants'",
        "set role analyst",
        "reset role",
        "set row_security = off",
    ] {
        assert_eq!(said(&mut analyst, way).await, None, "{way}");
        if way.ends_with("off") {
            let refused = said(&mut analyst, "select * from tasks").await;
            assert_eq!(refused.as_deref(), Some("42501"), "{way}");
        } else {
            assert_eq!(whose(&mut analyst).await, mine, "{way}");
        }
    }

    for stranger in ["analyst_nobody", "analyst_", "analystic"] {
        let url = bound(&database, stranger).await;
        let seen = whose(&mut session(&url).await).await;
        assert_eq!(seen, BTreeSet::new(), "{stranger}");
    }
    // The owner, with whose rights views read, sees nothing by itself.
    let mut owner = session(&database.urls.owner).await;
    let name = format!("set search_path = analytics; set almanac.tenant = '{other}'");
    assert_eq!(said(&mut owner, &name).await, None);
    assert_eq!(whose(&mut owner).await, BTreeSet::new());
}

#[tokio::test]
async fn an_analyst_is_kept_within_limits() {
    // A server of its own, since others have sessions of this role as well.
    let server = tokio::task::spawn_blocking(local::Postgres::scratch).await;
    let server = server.expect("ran").expect("a server");
    let url = server
        .url_of(local::Role::Analyst, "almanac")
        .expect("a password");
    let mut analyst = session(&url).await;
    for (name, value) in [
        ("statement_timeout", "1min"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("lock_timeout", "2s"),
        ("default_transaction_read_only", "on"),
        ("search_path", "analytics"),
    ] {
        assert_eq!(
            text(&mut analyst, &format!("show {name}")).await,
            value,
            "{name}"
        );
    }
    let limit = "select rolconnlimit::text from pg_roles where rolname = 'analyst'";
    assert_eq!(text(&mut analyst, limit).await, "20");
    let mut open = vec![analyst];
    while open.len() < 20 {
        open.push(session(&url).await);
    }
    let refused = PgConnection::connect(&url).await.expect_err("one too many");
    let code = refused
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    assert_eq!(code.as_deref(), Some("53300"), "{refused}");
}

/// What is sealed is in no view, and of who is erased nothing is left.
#[tokio::test]
async fn nothing_personal_is_shown() {
    let database = filled().await;
    let mut analyst = session(&database.urls.analyst).await;
    // As the world calls whatever it seals.
    let sealed = "select count(*)::text from app.event_log where data::text like '%sealed-%'";
    assert_ne!(text(&mut database.sql().await, sealed).await, "0");
    let views: Vec<String> = sqlx::query_scalar(
        "select object from catalog where \"column\" is null and object <> 'catalog'",
    )
    .fetch_all(&mut analyst)
    .await
    .expect("asked");
    for view in views {
        let ask = format!("select coalesce(string_agg(v::text, ' '), '') from {view} v");
        let shown = text(&mut analyst, &ask).await;
        assert!(!shown.contains("sealed-"), "{view} shows what is sealed");
    }
    let erased = "select count(*)::text || '/' || count(role)::text || '/' || \
                  count(is_disabled)::text from users where is_erased";
    let told = text(&mut analyst, erased).await;
    let (erased, rest) = told.split_once('/').expect("counted");
    assert_ne!(erased, "0", "nobody is erased");
    assert_eq!(rest, "0/0");
}
