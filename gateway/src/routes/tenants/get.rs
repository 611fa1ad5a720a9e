//! `GET /tenants/{id}`
//!
//! Invariant: read as that tenant itself, so Postgres shows nothing of any other.

use axum::{extract::State, response::Response};
use domain::{TenantId, tenant::Tenant};
use projections::tenants;
use schemas::api::TenantView;

use crate::{
    answer,
    app::App,
    document::LookParameters,
    extract::{Id, Look, Parameters, Reading},
    past::{self, Whose},
    problem::Result,
};

/// Show a tenant.
#[utoipa::path(
    get, path = "/api/v1/tenants/{id}", tag = "tenants",
    params(("id" = TenantId, Path), LookParameters),
    responses((status = 200, description = "The tenant", body = TenantView)),
)]
pub(super) async fn get_tenant(
    State(app): State<App>,
    reading: Reading,
    Parameters(look): Parameters<Look>,
    Id(id): Id,
) -> Result<Response> {
    let reading = reading.of(&app, &look).await?;
    if let Some(told) = &look.told {
        let (tenant, id) = (TenantId::new(id), id);
        return past::tell::<Tenant>(&app, &reading, told, Whose { id, tenant }).await;
    }
    let found = tenants::get(&app.store, TenantId::new(id), reading.moment).await?;
    answer::one(&app, &reading, found, "tenant", answer::tenant)
}
