//! `POST /tenants/{id}/resume`
//!
//! Invariant: whoever was signed in when it was suspended still is, unless their sign-in ended
//! meanwhile.

use axum::{extract::State, response::Response};
use domain::TenantId;
use schemas::api::TenantView;

use crate::{
    app::App,
    extract::{Id, Nothing, Parameters, Writing},
    problem::Result,
};

/// Let the users of a tenant sign in again.

#[utoipa::path(
    post, path = "/api/v1/tenants/{id}/resume", tag = "tenants", params(("id" = TenantId, Path)),
    responses((status = 200, description = "As it is now", body = TenantView)),
)]
pub(super) async fn resume_tenant(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let resume = async |ask| app.identity.set_suspended(ask, false).await;
    super::change(&app, &writing, id, b"", resume).await
}
