//! `PUT /users/{id}/platform`
//!
//! Invariant: only platform administrators say who is one, and nobody takes it from themselves: so
//! one is left.

use axum::{extract::State, response::Response};
use domain::UserId;
use schemas::api::UserView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::App,
    extract::{Body, Id, Nothing, Parameters, Writing},
    problem::Result,
};

/// Whether somebody is to administer the platform.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PutPlatform {
    /// Whether they may create tenants and act in each, from now on.
    platform: bool,
}

/// Let a user administer the platform, or no more.
///
/// It takes effect while they are an administrator of the main tenant.
#[utoipa::path(
    put, path = "/api/v1/users/{id}/platform", tag = "users", params(("id" = UserId, Path)),
    request_body = PutPlatform,
    responses((status = 200, description = "As they are now", body = UserView)),
)]
pub(super) async fn put_platform(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
    body: Body<PutPlatform>,
) -> Result<Response> {
    let granted = body.value.platform;
    let act = async |ask| app.identity.set_platform(ask, granted).await;
    super::change(&app, &writing, id, &body.bytes, act).await
}
