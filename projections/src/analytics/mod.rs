//! What analysts see: views in a schema of their own, over the read models and the log's copy.
//!
//! Invariant: a view that was ever published keeps its name and its columns with their types;
//! whichever schema holds the tables, analysts stand before the same views.
//!
//! To add a view: describe it in one of the files here, list it in [`views`], and add its columns
//! to `columns.tsv`. Views of events are made from the catalogue of events by themselves.

mod events;
mod objects;
mod status;
mod view;
mod work;

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection, Row as _};

pub use view::{Column, Personal, View};

/// The schema that analysts see.
pub const SCHEMA: &str = "analytics";

/// What was ever published: view, column, type and the version since when it is there. Lines are
/// added, and never changed or removed.
pub const PUBLISHED: &str = include_str!("columns.tsv");

/// Every view, by name.
pub fn views() -> Vec<View> {
    let mut views = vec![
        objects::jobs(),
        objects::resource_types(),
        objects::resources(),
        objects::tasks(),
        objects::users(),
        status::projection_status(),
        status::unaudited(),
        work::daily_task_stats(),
        work::job_runs(),
        work::task_attempts(),
        work::task_state_durations(),
    ];
    views.extend(events::views());
    views.push(status::catalog(&views));
    views.sort_by(|a, b| a.name.cmp(&b.name));
    views
}

/// Points the views at the tables of the schema that `search_path` names, in the transaction that
/// `connection` has begun: until it ends, analysts see the views as they were.
///
/// May be repeated; whoever puts other tables in the place of these calls it in the same
/// transaction. Fails if a view would lose a column or change its type.
pub(crate) async fn publish(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(include_str!("schema.sql"))
        .execute(&mut *connection)
        .await?;
    let there = columns(&mut *connection).await?;
    let mut statements = String::new();
    for view in views() {
        let there = there.get(&view.name).map(Vec::as_slice);
        view.write(there.unwrap_or_default(), &mut statements);
    }
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(&mut *connection)
        .await?;
    sqlx::raw_sql(include_str!("grants.sql"))
        .execute(connection)
        .await?;
    Ok(())
}

/// The columns of the views that are there, in their order.
async fn columns(
    connection: &mut PgConnection,
) -> Result<BTreeMap<String, Vec<String>>, sqlx::Error> {
    let rows = sqlx::query(include_str!("columns.sql"))
        .bind(SCHEMA)
        .fetch_all(connection)
        .await?;
    let mut found = BTreeMap::<_, Vec<_>>::new();
    for row in &rows {
        let columns = found.entry(row.try_get("view")?).or_default();
        columns.push(row.try_get("column")?);
    }
    Ok(found)
}
