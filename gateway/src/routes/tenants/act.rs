//! `POST /tenants/{id}/act`
//!
//! Invariant: no token is given before the tenant has an event that says who, when and why.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use domain::{Name, TenantId, tenant::Tenant};
use schemas::api::TenantEntry;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    answer,
    app::App,
    extract::{Body, Fields, Id, Nothing, Parameters, Writing},
    problem::Result,
    routes::precondition,
};

/// Why a platform administrator acts in a tenant.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ActInTenant {
    /// Shown to the tenant's administrators.
    #[schema(value_type = String, min_length = 1, max_length = 200, examples("Ticket 4711"))]
    reason: String,
}

/// Act in a tenant as an administrator of it, for ten minutes.
///
/// The tenant's administrators are told by an event. What is done with the token bears the actor
/// `platform:<id>`; the token ends with your own sign-in and right, and cannot be refreshed.
#[utoipa::path(
    post, path = "/api/v1/tenants/{id}/act", tag = "tenants", params(("id" = TenantId, Path)),
    request_body = ActInTenant,
    responses((status = 200, description = "What to act with", body = TenantEntry)),
)]
pub(super) async fn act_in_tenant(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
    body: Body<ActInTenant>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let reason = fields.name("/reason", &body.value.reason);
    let reason: Name = fields.finish(reason)?;
    let mut ask = super::change_of(&app, &writing, id, &body.bytes);
    let unmet = precondition::expect::<Tenant>(&app, &writing, &mut ask).await?;
    let mut entry = None;
    let enter = async |ask| {
        let entered = app.identity.enter(&writing.caller.0, ask, reason).await?;
        let receipt = entered.receipt.clone();
        entry = Some(entered);
        Ok::<_, commands::CommandError<_>>(receipt)
    };
    let receipt = precondition::run_by(ask, unmet, enter).await?;
    let entry = entry.ok_or_else(|| crate::problem::Error::internal("nobody was let in"))?;
    let state = answer::state(&receipt)?;
    let view = TenantEntry {
        tenant: schemas::tenant_view(TenantId::new(id), receipt.version, state),
        access_token: entry.access.expose_secret().to_owned(),
        token_type: "Bearer".to_owned(),
        expires_in: entry.expires_in_s,
    };
    let mut response = answer::written(&app, &receipt, StatusCode::OK, &view);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
