//! From rows to what is sent.
//!
//! Invariant: a row is shown as the list shows it.

use domain::{TenantId, UserId};
use projections::{
    At, Row,
    live_query::{Changes, Rows},
};
use schemas::{
    Position,
    api::{LiveChanges, LiveRow, LiveRows},
};
use serde::Serialize;

use crate::{answer, app::App, problem::Result};

/// A part of a snapshot.
pub(super) async fn rows(
    app: &App,
    tenant: TenantId,
    position: Position,
    rows: Rows,
) -> Result<String> {
    Ok(json(&LiveRows {
        position: position.0,
        rows: shown(app, tenant, rows).await?,
    }))
}

/// What changed up to `position`.
pub(super) async fn changes(
    app: &App,
    tenant: TenantId,
    position: Position,
    found: At<Changes>,
) -> Result<String> {
    let (stale_since, changes) = (found.stale_since, found.value);
    Ok(json(&LiveChanges {
        position: position.0,
        rows: shown(app, tenant, changes.rows).await?,
        left: changes.left,
        stale_since: stale_since.map(|since| since.0),
    }))
}

async fn shown(app: &App, tenant: TenantId, rows: Rows) -> Result<Vec<LiveRow>> {
    match rows {
        Rows::Jobs(rows) => Ok(each(rows, answer::job)),
        Rows::ResourceTypes(rows) => Ok(each(rows, answer::resource_type)),
        Rows::Resources(rows) => Ok(each(rows, answer::resource)),
        Rows::Tasks(rows) => Ok(each(rows, answer::task)),
        Rows::Users(rows) => {
            let mut shown = Vec::with_capacity(rows.len());
            for row in rows {
                let user = UserId::new(row.id);
                let view = answer::user(app, tenant, user, row.version, row.state).await?;
                shown.push(LiveRow {
                    id: row.id,
                    object: serde_json::to_value(view).unwrap_or_default(),
                });
            }
            Ok(shown)
        }
    }
}

fn each<S, T: Serialize>(rows: Vec<Row<S>>, view: fn(Row<S>) -> T) -> Vec<LiveRow> {
    let rows = rows.into_iter().map(|row| LiveRow {
        id: row.id,
        object: serde_json::to_value(view(row)).unwrap_or_default(),
    });
    rows.collect()
}

/// Views have string keys, so they encode.
fn json(of: &impl Serialize) -> String {
    serde_json::to_string(of).unwrap_or_default()
}
