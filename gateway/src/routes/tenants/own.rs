//! `GET /tenant`
//!
//! Invariant: the tenant comes from the token. At one address each caller sees another, so the
//! answer is not to be kept.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use projections::tenants;
use schemas::api::TenantView;

use crate::{
    answer,
    app::App,
    extract::{Nothing, Parameters, Reading},
    problem::Result,
};

/// Show your own tenant.
#[utoipa::path(
    get, path = "/api/v1/tenant", tag = "tenants",
    responses((status = 200, description = "The tenant", body = TenantView)),
)]
pub(super) async fn get_own_tenant(
    State(app): State<App>,
    reading: Reading,
    Parameters(Nothing): Parameters<Nothing>,
) -> Result<Response> {
    let found = tenants::get(&app.store, reading.tenant()).await?;
    let mut response = answer::one(&app, &reading, found, "tenant", answer::tenant)?;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
