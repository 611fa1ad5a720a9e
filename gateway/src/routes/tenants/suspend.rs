//! `POST /tenants/{id}/suspend`
//!
//! Invariant: from within 2 s on nobody of it is signed in; what it has scheduled goes on.

use axum::{extract::State, response::Response};
use domain::TenantId;
use schemas::api::TenantView;

use crate::{
    app::App,
    extract::{Id, Nothing, Parameters, Writing},
    problem::Result,
};

/// Let nobody of a tenant sign in, nor stay signed in.
///
/// Its jobs go on. The main tenant cannot be suspended.
#[utoipa::path(
    post, path = "/api/v1/tenants/{id}/suspend", tag = "tenants", params(("id" = TenantId, Path)),
    responses((status = 200, description = "As it is now", body = TenantView)),
)]
pub(super) async fn suspend_tenant(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let suspend = async |ask| app.identity.set_suspended(ask, true).await;
    super::change(&app, &writing, id, b"", suspend).await
}
