//! `GET /tenant/events`
//!
//! Invariant: the tenant comes from the token.

use axum::{extract::State, response::Response};
use domain::AggregateKind;
use schemas::api::{EventView, Page};

use crate::{
    app::App,
    document::PageParameters,
    extract::{History, Parameters, Reading},
    problem::Result,
    routes::history,
};

/// Show what happened to your own tenant, platform administrators who acted in it included.
///
/// `CloudEvents`, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/tenant/events", tag = "tenants", params(PageParameters),
    responses((status = 200, description = "A page", body = Page<EventView>)),
)]
pub(super) async fn list_own_tenant_events(
    State(app): State<App>,
    reading: Reading,
    Parameters(History(paging)): Parameters<History>,
) -> Result<Response> {
    let id = reading.tenant().uuid();
    history::page(&app, &reading, &paging, AggregateKind::Tenant, id).await
}
