//! `PATCH /tenants/{id}`
//!
//! Invariant: what the patch does not name stays; a slug stays for ever.

use axum::{extract::State, response::Response};
use domain::{
    TenantId,
    tenant::{Tenant, TenantCommand},
};
use schemas::api::TenantView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::App,
    extract::{Fields, Id, Nothing, Parameters, Patch, Writing},
    problem::Result,
};

/// What is to be different of a tenant.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PatchTenant {
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, examples("Acme plc"))]
    name: String,
}

/// Call a tenant otherwise.
#[utoipa::path(
    patch, path = "/api/v1/tenants/{id}", tag = "tenants", params(("id" = TenantId, Path)),
    request_body(content = PatchTenant, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "As it is now", body = TenantView)),
)]
pub(super) async fn patch_tenant(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
    body: Patch<PatchTenant>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let name = fields.name("/name", &body.value.name);
    let command = TenantCommand::Rename {
        name: fields.finish(name)?,
    };
    let act = async |ask| app.commands.execute::<Tenant>(ask, command).await;
    super::change(&app, &writing, id, &body.bytes, act).await
}
