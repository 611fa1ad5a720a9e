//! `GET /tenants/{id}/events`
//!
//! Invariant: of the tenant itself only; what its people do is seen by acting in it.

use axum::{extract::State, response::Response};
use domain::{AggregateKind, TenantId};
use schemas::api::{EventView, Page};

use crate::{
    app::App,
    document::PageParameters,
    extract::{History, Id, Parameters, Reading},
    problem::Result,
    routes::history,
};

/// Show what happened to a tenant itself.
///
/// `CloudEvents`, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/tenants/{id}/events", tag = "tenants",
    params(("id" = TenantId, Path), PageParameters),
    responses((status = 200, description = "A page", body = Page<EventView>)),
)]
pub(super) async fn list_tenant_events(
    State(app): State<App>,
    reading: Reading,
    Parameters(History(paging)): Parameters<History>,
    Id(id): Id,
) -> Result<Response> {
    let tenant = TenantId::new(id);
    history::page_of(&app, &reading, &paging, tenant, AggregateKind::Tenant, id).await
}
