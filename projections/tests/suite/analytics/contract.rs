//! What views promise: names, types, comments.
//!
//! Invariant: what was ever published stays; nothing is without a comment.

use std::collections::BTreeSet;

use projections::analytics::{PUBLISHED, views};
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::database::Database;

/// Every column that an analyst finds, with its comment.
const FOUND: &str = "select c.relname::text as view, a.attname::text as column, \
     format_type(a.atttypid, a.atttypmod) as type, col_description(c.oid, a.attnum) as comment, \
     obj_description(c.oid) as about \
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 \
     where c.relnamespace = 'analytics'::regnamespace order by 1, 2";

/// What is wrong with a column that was published, now that there are those of `found`.
fn broken<'a>(published: &'a str, found: &BTreeSet<(String, String, String)>) -> Vec<&'a str> {
    let is_there = |line: &&str| {
        let told: Vec<_> = line.split('\t').collect();
        let [view, column, kind, _since] = told[..] else {
            return false;
        };
        found.contains(&(view.into(), column.into(), kind.into()))
    };
    published.lines().filter(|line| !is_there(line)).collect()
}

#[tokio::test]
async fn what_was_published_stays_and_all_of_it_is_commented() {
    let database = Database::new().await;
    let mut analyst = PgConnection::connect(&database.urls.analyst)
        .await
        .expect("connected");
    let rows = sqlx::query(FOUND).fetch_all(&mut analyst).await;
    let mut found = BTreeSet::new();
    for row in rows.expect("asked") {
        let name: (String, String) = (row.get("view"), row.get("column"));
        for comment in ["comment", "about"] {
            let text: Option<String> = row.get(comment);
            let text = text.unwrap_or_default();
            assert!(text.len() > 3, "{name:?} has no {comment}: {text:?}");
        }
        found.insert((name.0, name.1, row.get::<String, _>("type")));
    }
    let broken = broken(PUBLISHED, &found);
    assert!(broken.is_empty(), "analysts rely on: {broken:#?}");

    let published = |(view, column, kind): &(String, String, String)| {
        let line = format!("{view}\t{column}\t{kind}\t");
        PUBLISHED.lines().any(|told| told.starts_with(&line))
    };
    let missing: Vec<_> = found.iter().filter(|column| !published(column)).collect();
    let lines = missing.iter().map(|(view, column, kind)| {
        let since = env!("CARGO_PKG_VERSION");
        format!("{view}\t{column}\t{kind}\t{since}\n")
    });
    let lines: String = lines.collect();
    assert!(
        lines.is_empty(),
        "add to projections/src/analytics/columns.tsv:\n{lines}"
    );
}

#[test]
fn a_column_that_is_gone_or_has_another_type_is_told() {
    let column = |kind: &str| ("tasks".to_owned(), "attempt".to_owned(), kind.to_owned());
    let published = "tasks\tattempt\tbigint\t0.1.0";
    assert!(broken(published, &[column("bigint")].into()).is_empty());
    assert_eq!(broken(published, &[column("text")].into()), [published]);
    assert_eq!(broken(published, &BTreeSet::new()), [published]);
}

#[tokio::test]
async fn the_catalogue_lists_every_view_and_column_as_it_is() {
    let database = Database::new().await;
    let mut analyst = PgConnection::connect(&database.urls.analyst)
        .await
        .expect("connected");
    let catalog = "select object as view, \"column\", type, description, pii_class, \
                   since_version from catalog where \"column\" is not null order by 1, 2";
    let told = sqlx::query(catalog).fetch_all(&mut analyst).await;
    let told = told.expect("asked");
    let found = sqlx::query(FOUND).fetch_all(&mut analyst).await;
    let found = found.expect("asked");
    let line = |row: &sqlx::postgres::PgRow, description: &str| -> [String; 4] {
        [
            row.get("view"),
            row.get("column"),
            row.get("type"),
            row.get(description),
        ]
    };
    let told_lines: Vec<_> = told.iter().map(|row| line(row, "description")).collect();
    let found_lines: Vec<_> = found.iter().map(|row| line(row, "comment")).collect();
    assert_eq!(told_lines, found_lines);
    let classes: BTreeSet<String> = told.iter().map(|row| row.get("pii_class")).collect();
    let classes: Vec<_> = classes.iter().map(String::as_str).collect();
    assert_eq!(classes, ["free_text", "none", "pseudonym"]);
    let whole = "select count(*) from catalog where \"column\" is null";
    let whole: i64 = sqlx::query_scalar(whole)
        .fetch_one(&mut analyst)
        .await
        .expect("asked");
    assert_eq!(whole, views().len() as i64);
}

/// What others made of the views goes on standing when a view gets a column more, and nothing but
/// the views is in the schema.
#[tokio::test]
async fn views_are_made_again_under_those_who_stand_on_them() {
    let database = Database::new().await;
    let mut owner = PgConnection::connect(&database.urls.owner)
        .await
        .expect("connected");
    // As an earlier version had it: a view with fewer columns, and somebody's own above it.
    let before = "begin; drop view analytics.jobs; \
                  create view analytics.jobs as select tenant_id, id as job_id from app.jobs; \
                  create schema marts; \
                  create view marts.mine as select job_id from analytics.jobs; commit";
    sqlx::raw_sql(before)
        .execute(&mut owner)
        .await
        .expect("made");
    database.owner.migrate().await.expect("migrated");
    let ask = "select string_agg(attname, ',' order by attnum) from pg_attribute \
               where attrelid = 'analytics.jobs'::regclass and attnum between 1 and 3";
    let first: String = sqlx::query_scalar(ask)
        .fetch_one(&mut owner)
        .await
        .expect("asked");
    assert_eq!(first, "tenant_id,job_id,name");
    sqlx::query("select job_id from marts.mine")
        .fetch_all(&mut owner)
        .await
        .expect("stands");
}
