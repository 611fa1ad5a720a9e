//! `POST /users/{id}/disable`
//!
//! Invariant: from then on nobody signs in as this user, and nobody stays signed in.

use axum::{extract::State, response::Response};
use domain::UserId;
use schemas::api::UserView;

use crate::{
    app::App,
    extract::{Id, Nothing, Parameters, Writing},
    problem::Result,
};

/// Let a user sign in no more.
///
/// Administrators cannot disable themselves.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/disable", tag = "users", params(("id" = UserId, Path)),
    responses((status = 200, description = "As they are now", body = UserView)),
)]
pub(super) async fn disable_user(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let disable = async |ask| app.identity.disable(ask).await;
    super::change(&app, &writing, id, b"", disable).await
}
