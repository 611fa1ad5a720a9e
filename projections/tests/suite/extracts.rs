//! What SQL that somebody else has written may see, tried with what they might write.
//!
//! Invariant: whatever it says, it is about one tenant and changes nothing.

use std::{collections::BTreeSet, time::Duration};

use futures::TryStreamExt as _;
use projections::{Extract, ExtractError, Extracts, People};
use schemas::domain::TenantId;
use serde_json::Value;
use sqlx::Row as _;

use crate::{
    database::{Database, config},
    world::{TENANTS, World},
};

const LIMIT: Duration = Duration::from_secs(20);

struct Setting {
    database: Database,
    extracts: Extracts,
    world: World,
}

impl Setting {
    async fn new() -> Self {
        let world = World::random(12, 700).await;
        let database = Database::new().await;
        database.project(&world, 500).await;
        let extracts = Extracts::connect(&config(&database.urls.worker)).await;
        Self {
            database,
            extracts: extracts.expect("connected"),
            world,
        }
    }

    async fn begin(&self, tenant: TenantId, people: People) -> Extract {
        let begun = self.extracts.begin(tenant, people, LIMIT).await;
        begun.expect("begun")
    }

    /// What `sql` answers with, for the first tenant without its people.
    async fn asked(&self, sql: &str) -> Result<Vec<Value>, ExtractError> {
        rows(&mut self.begin(TENANTS[0], People::Left).await, sql).await
    }
}

async fn rows(extract: &mut Extract, sql: &str) -> Result<Vec<Value>, ExtractError> {
    let question = extract.ask(sql).await?;
    let found: Vec<String> = extract.rows(&question, 10_000).try_collect().await?;
    let read = found.iter().map(|row| serde_json::from_str(row));
    Ok(read.collect::<Result<_, _>>().expect("JSON"))
}

/// Whose rows each view shows that has a tenant.
async fn whose(extract: &mut Extract) -> BTreeSet<String> {
    let views = rows(
        extract,
        "select object from catalog where \"column\" = 'tenant_id'",
    )
    .await;
    let views = views.expect("asked");
    assert!(views.len() > 50, "{}", views.len());
    let mut seen = BTreeSet::new();
    for view in views {
        let view = view["object"].as_str().expect("a name");
        let ask = format!("select distinct tenant_id from {view}");
        let found = rows(extract, &ask).await.expect("asked");
        seen.extend(found.iter().map(|row| row["tenant_id"].to_string()));
    }
    seen
}

#[tokio::test]
async fn an_extract_shows_one_tenant_at_one_position() {
    let setting = Setting::new().await;
    for tenant in TENANTS {
        for people in [People::Left, People::Shown] {
            let mut extract = setting.begin(tenant, people).await;
            assert_eq!(extract.position(), setting.world.head().await);
            let mine = BTreeSet::from([format!("\"{tenant}\"")]);
            assert_eq!(whose(&mut extract).await, mine, "{people:?}");
            let users = rows(&mut extract, "select * from users")
                .await
                .expect("asked");
            assert_eq!(users.is_empty(), people == People::Left, "{people:?}");
            let events = "select distinct aggregate_kind as kind from events order by 1";
            let kinds = rows(&mut extract, events).await.expect("asked");
            let kinds: Vec<_> = kinds
                .iter()
                .filter_map(|row| row["kind"].as_str())
                .collect();
            assert!(kinds.contains(&"task"), "{kinds:?}");
            assert_eq!(
                kinds.contains(&"user"),
                people == People::Shown,
                "{kinds:?}"
            );
            extract.end().await;
        }
    }
}

#[tokio::test]
async fn nothing_that_is_asked_leads_to_another_tenant_or_changes_anything() {
    let setting = Setting::new().await;
    let other = TENANTS[1];
    let mine = format!("\"{}\"", TENANTS[0]);
    for way in [
        format!("select set_config('almanac.tenant', '{other}', true)"),
        "select set_config('role', 'almanac_owner', true)".to_owned(),
        "select set_config('transaction_read_only', 'off', true)".to_owned(),
        format!("select app.begin_extract('{other}', true)"),
        format!(
            "select query_to_xml('select app.begin_extract(''{other}'', true)', true, true, '')"
        ),
        "select query_to_xml('table app.users', true, true, '')".to_owned(),
        "select * from app.tasks".to_owned(),
        "select * from app.extracts".to_owned(),
        "select * from app.checkpoint".to_owned(),
        "select pg_read_file('/etc/passwd')".to_owned(),
        "commit".to_owned(),
        "select 1; commit".to_owned(),
        "select 1) as a; commit; select * from (select 1".to_owned(),
        "delete from tasks returning 1".to_owned(),
        "with x as (delete from app.extracts returning 1) select * from x".to_owned(),
        "select * from tasks for update".to_owned(),
        "select nextval('nothing')".to_owned(),
    ] {
        let mut extract = setting.begin(TENANTS[0], People::Left).await;
        let tried = rows(&mut extract, &way).await;
        // What Postgres lets somebody set has no meaning here; all else is refused.
        let is_harmless = way.contains("almanac.tenant");
        assert_eq!(tried.is_ok(), is_harmless, "{way}: {tried:?}");
        if is_harmless {
            assert_eq!(whose(&mut extract).await, BTreeSet::from([mine.clone()]));
        } else {
            let refused = matches!(tried, Err(ExtractError::Refused(_)));
            assert!(refused, "{way}: {tried:?}");
        }
    }
    // One statement that says something else first, and reads then.
    let both = format!(
        "select t.tenant_id from (select set_config('almanac.tenant', '{other}', true) as s \
         offset 0) as s, lateral (select distinct tenant_id from tasks where s.s is not null) as t"
    );
    let found = setting.asked(&both).await.expect("asked");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["tenant_id"].to_string(), mine);
    let left = "select count(*) from app.extracts";
    let left = sqlx::query(left)
        .fetch_one(&mut setting.database.sql().await)
        .await;
    assert_eq!(left.expect("asked").get::<i64, _>(0), 0);
}

#[tokio::test]
async fn an_extract_is_kept_within_limits() {
    let setting = Setting::new().await;
    let mut extract = setting.begin(TENANTS[0], People::Left).await;
    let question = extract
        .ask("select n from generate_series(1, 5) as n -- five")
        .await;
    let question = question.expect("a question");
    assert_eq!(question.columns()[0].name, "n");
    assert_eq!(question.columns()[0].kind, "INT4");
    let five: Vec<_> = extract
        .rows(&question, 5)
        .try_collect()
        .await
        .expect("five");
    assert_eq!(
        five,
        [
            "{\"n\":1}",
            "{\"n\":2}",
            "{\"n\":3}",
            "{\"n\":4}",
            "{\"n\":5}"
        ]
    );
    let four: Result<Vec<_>, _> = extract.rows(&question, 4).try_collect().await;
    assert!(
        matches!(four, Err(ExtractError::TooManyRows(4))),
        "{four:?}"
    );
    let large = setting.asked("select repeat('x', 2000000) as x;").await;
    assert!(
        matches!(large, Err(ExtractError::RowTooLarge(1))),
        "{large:?}"
    );
    let twice = setting.asked("select 1 as a, 2 as a").await;
    let told = twice.expect_err("refused").to_string();
    assert!(told.contains("two columns are called \"a\""), "{told}");
    let unknown = setting.asked("select colour from tasks").await;
    let told = unknown.expect_err("refused").to_string();
    assert!(told.contains("column \"colour\" does not exist"), "{told}");

    let hasty = setting
        .extracts
        .begin(TENANTS[0], People::Left, Duration::from_millis(50));
    let mut hasty = hasty.await.expect("begun");
    let slow = rows(&mut hasty, "select pg_sleep(60)").await;
    assert!(matches!(slow, Err(ExtractError::TooLong)), "{slow:?}");
}
