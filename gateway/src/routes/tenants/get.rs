//! `GET /tenants/{id}`
//!
//! Invariant: read as that tenant itself, so Postgres shows nothing of any other.

use axum::{extract::State, response::Response};
use domain::TenantId;
use projections::tenants;
use schemas::api::TenantView;

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, Parameters, Reading},
    problem::Result,
};

/// Show a tenant.
#[utoipa::path(
    get, path = "/api/v1/tenants/{id}", tag = "tenants", params(("id" = TenantId, Path)),
    responses((status = 200, description = "The tenant", body = TenantView)),
)]
pub(super) async fn get_tenant(
    State(app): State<App>,
    reading: Reading,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let found = tenants::get(&app.store, TenantId::new(id)).await?;
    answer::one(&app, &reading, found, "tenant", answer::tenant)
}
