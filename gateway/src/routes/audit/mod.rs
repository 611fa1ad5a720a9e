//! Who did or tried what.
//!
//! Invariant: for administrators only, of their own tenant; and looking is itself recorded.

mod export;
mod filter;
mod list;

use std::collections::HashSet;

use domain::TenantId;
use projections::audit::AuditRow;
use schemas::{OriginKey, api::AuditView};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::App, problem::Result};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_audit))
        .routes(routes!(export::export_audit))
}

/// The records with where they came from, where that can still be told.
async fn opened(app: &App, tenant: TenantId, rows: Vec<AuditRow>) -> Result<Vec<AuditView>> {
    // A key that is gone would be looked for with every record of its person.
    let mut forgotten = HashSet::new();
    let mut views = Vec::with_capacity(rows.len());
    for AuditRow { record, .. } in rows {
        let key = record.origin.as_ref().map(|origin| origin.key);
        let by_person = key == Some(OriginKey::Person);
        let origin = if by_person && forgotten.contains(&record.entry.actor) {
            None
        } else {
            app.audit.origin(tenant, &record).await?
        };
        if by_person && origin.is_none() {
            forgotten.insert(record.entry.actor.clone());
        }
        let (address, user_agent) = origin.map_or((None, None), |origin| {
            (Some(origin.address), origin.user_agent)
        });
        views.push(AuditView {
            entry: record.entry,
            address,
            user_agent,
        });
    }
    Ok(views)
}
