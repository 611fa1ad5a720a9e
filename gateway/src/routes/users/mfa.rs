//! `DELETE /users/{id}/mfa`
//!
//! Invariant: for who has lost authenticator and codes: from then on they sign in by password
//! alone, and no sign-in from before goes on.

use axum::{extract::State, response::Response};
use domain::UserId;
use schemas::api::UserView;

use crate::{
    app::App,
    extract::{Id, Nothing, Parameters, Writing},
    problem::Result,
};

/// Turn off a user's second factor and end their sign-ins.
#[utoipa::path(
    delete, path = "/api/v1/users/{id}/mfa", tag = "users", params(("id" = UserId, Path)),
    responses((status = 200, description = "As they are now", body = UserView)),
)]
pub(super) async fn disable_user_mfa(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let disable = async |ask| app.identity.disable_mfa(ask, None).await;
    super::change(&app, &writing, id, b"", disable).await
}
