//! `GET /audit`
//!
//! Invariant: a page is one snapshot, and following `next` visits every record once.

use axum::{extract::State, response::Response};
use projections::{Listed, audit};
use schemas::api::{AuditView, Page};

use super::filter::{FilterParameters, Wanted};
use crate::{
    answer,
    app::App,
    document::PageParameters,
    extract::{Cursors, FromParameters, Paging, Parameters, Query, Reading},
    problem::Result,
};

pub(super) struct ListAudit {
    paging: Paging<()>,
    wanted: Wanted,
}

impl FromParameters for ListAudit {
    fn take(query: &mut Query) -> Result<Self> {
        let paging = query.plain_paging()?;
        let wanted = Wanted::take(query)?;
        Ok(Self { paging, wanted })
    }
}

/// List who did or tried what.
///
/// The newest first. Each request that could change something is one record, each refusal, and each
/// look at users and at this list; refusals of one kind from one source are counted for 10 s. A
/// record can be read about half a second after its request.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "audit", params(PageParameters, FilterParameters),
    responses((status = 200, description = "A page", body = Page<AuditView>)),
)]
pub(super) async fn list_audit(
    State(app): State<App>,
    reading: Reading,
    Parameters(ListAudit { paging, wanted }): Parameters<ListAudit>,
) -> Result<Response> {
    let tenant = reading.tenant();
    let cursors = Cursors::new(&app, tenant, &paging.scope);
    let after = paging.after(&cursors)?;
    let filter = wanted.of(&app, tenant).await?;
    let mut found = audit::list(&app.store, tenant, &filter, after, paging.limit).await?;
    let rows = std::mem::take(&mut found.value.items);
    let items = super::opened(&app, tenant, rows).await?;
    let views = found.map(|page| Listed {
        items,
        next: page.next,
    });
    answer::listed(&app, &paging, &cursors, views)
}
