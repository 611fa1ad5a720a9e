//! The models of `infra/dbt`, without dbt.
//!
//! Invariant: their SQL runs as the role that dbt signs in as, with the rights of `roles.sql` and
//! no others, over a log that is known.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use super::figures::{known, lines};

/// Each before those that refer to it.
const MODELS: [(&str, &str); 3] = [
    (
        "daily_task_outcomes",
        include_str!("../../../../infra/dbt/models/daily_task_outcomes.sql"),
    ),
    (
        "job_reliability",
        include_str!("../../../../infra/dbt/models/job_reliability.sql"),
    ),
    (
        "worker_load",
        include_str!("../../../../infra/dbt/models/worker_load.sql"),
    ),
];
const DESCRIPTIONS: &str = include_str!("../../../../infra/dbt/models/models.yml");
const EXPOSURES: &str = include_str!("../../../../infra/dbt/models/exposures.yml");
const ROLES: &str = include_str!("../../../../infra/dbt/roles.sql");
const SOURCES: &str = include_str!("../../../../infra/dbt/models/sources.yml");

/// What dbt makes of a model's text; `again` if its table is there already.
fn compiled(model: &str, again: bool) -> String {
    let mut sql = String::new();
    let mut rest = model;
    let mut is_left_out = false;
    while let Some((before, after)) = rest.split_once('{') {
        let (inside, after) = match after.split_at(1) {
            ("{", after) => after.split_once("}}").expect("it ends"),
            (_, after) => after.split_once("%}").expect("it ends"),
        };
        if !is_left_out {
            sql += before;
            sql += &put(inside);
        }
        match inside.trim() {
            "if is_incremental()" => is_left_out = !again,
            "endif" => is_left_out = false,
            _ => {}
        }
        rest = after;
    }
    sql + rest
}

/// What stands in the place of an expression.
fn put(inside: &str) -> String {
    let quoted: Vec<_> = inside.split('\'').skip(1).step_by(2).collect();
    match (inside.trim().split('(').next(), &quoted[..]) {
        (Some("source"), ["almanac", view]) => {
            let listed = format!("- name: {view}\n");
            assert!(SOURCES.contains(&listed), "{view} is no source");
            format!("analytics.{view}")
        }
        (Some("ref"), [model]) => format!("marts.{model}"),
        (Some("this"), _) => "marts.daily_task_outcomes".to_owned(),
        (Some("config" | "if is_incremental" | "endif"), _) => String::new(),
        other => panic!("dbt would have to understand {other:?}"),
    }
}

#[tokio::test]
async fn the_models_run_with_the_rights_of_dbt() {
    let database = known().await;
    let password = "alter role almanac_dbt password 'of this test'";
    let mut superuser = database.sql().await;
    for statements in [ROLES, password] {
        sqlx::raw_sql(statements)
            .execute(&mut superuser)
            .await
            .expect("made");
    }
    let (_, place) = database.urls.analyst.split_once('@').expect("a login");
    let url = format!("postgres://almanac_dbt:of%20this%20test@{place}");
    let mut dbt = PgConnection::connect(&url).await.expect("connected");
    for (name, model) in MODELS {
        let make = format!("create table marts.{name} as {}", compiled(model, false));
        let done = sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut dbt).await;
        done.unwrap_or_else(|failure| panic!("{name}: {failure}"));
        let again = sqlx::query(AssertSqlSafe(compiled(model, true)));
        let again = again.fetch_all(&mut dbt).await.expect(name);
        assert!(!again.is_empty(), "{name} is empty");
        let columns = "select attname::text from pg_attribute \
                       where attrelid = ('marts.' || $1)::regclass and attnum > 0";
        let columns = sqlx::query(columns).bind(name).fetch_all(&mut dbt).await;
        let told = DESCRIPTIONS.split(&format!("- name: {name}\n")).nth(1);
        let told = told.unwrap_or_else(|| panic!("{name} has no description"));
        for column in columns.expect("asked") {
            let listed = format!("- name: {}\n", column.get::<String, _>(0));
            assert!(told.contains(&listed), "{name}: {listed}");
        }
        assert!(EXPOSURES.contains(&format!("ref('{name}')")), "{name}");
    }
    let jobs = "select name, runs, succeeded, failed, skipped, p95_lateness_ms \
                from marts.job_reliability";
    let told = lines(&database, jobs).await;
    assert_eq!(told, ["nightly backup | 2 | 0 | 1 | 1 | 4000"]);
    let workers = "select worker, day, attempts, succeeded, busy_ms, share_of_day \
                   from marts.worker_load";
    let told = lines(&database, workers).await;
    assert_eq!(told, ["w1 | 2027-01-15 | 4 | 2 | 1150 | 1"]);

    for refused in [
        "create table analytics.mine ()",
        "select from app.tasks",
        "delete from analytics.tasks",
        "create schema mine",
    ] {
        let done = sqlx::raw_sql(AssertSqlSafe(refused))
            .execute(&mut dbt)
            .await;
        let failure = done.map(drop).expect_err(refused);
        let code = failure
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        assert_eq!(code.as_deref(), Some("42501"), "{refused}");
    }
}
