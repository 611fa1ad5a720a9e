//! `GET /tenant`
//!
//! Invariant: the tenant comes from the token. At one address each caller sees another, so the
//! answer is not to be kept.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use domain::tenant::Tenant;
use projections::tenants;
use schemas::api::TenantView;

use crate::{
    answer,
    app::App,
    document::LookParameters,
    extract::{Look, Parameters, Reading},
    past::{self, Whose},
    problem::Result,
};

/// Show your own tenant.
#[utoipa::path(
    get, path = "/api/v1/tenant", tag = "tenants", params(LookParameters),
    responses((status = 200, description = "The tenant", body = TenantView)),
)]
pub(super) async fn get_own_tenant(
    State(app): State<App>,
    reading: Reading,
    Parameters(look): Parameters<Look>,
) -> Result<Response> {
    let reading = reading.of(&app, &look).await?;
    if let Some(told) = &look.told {
        let tenant = reading.tenant();
        let id = tenant.uuid();
        return past::tell::<Tenant>(&app, &reading, told, Whose { id, tenant }).await;
    }
    let found = tenants::get(&app.store, reading.tenant(), reading.moment).await?;
    let mut response = answer::one(&app, &reading, found, "tenant", answer::tenant)?;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
