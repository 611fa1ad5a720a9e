//! `POST /users/{id}/enable`
//!
//! Invariant: they sign in with the password they had; what was ended stays ended.

use axum::{extract::State, response::Response};
use domain::UserId;
use schemas::api::UserView;

use crate::{
    app::App,
    extract::{Id, Nothing, Parameters, Writing},
    problem::Result,
};

/// Let a disabled user sign in again.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/enable", tag = "users", params(("id" = UserId, Path)),
    responses((status = 200, description = "As they are now", body = UserView)),
)]
pub(super) async fn enable_user(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let enable = async |ask| app.identity.enable(ask).await;
    super::change(&app, &writing, id, b"", enable).await
}
