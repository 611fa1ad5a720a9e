//! `POST /users/{id}/erase`
//!
//! Invariant: what was personal can be read nowhere afterwards; the log keeps its order and chain.

use axum::{extract::State, response::Response};
use domain::UserId;
use schemas::api::UserView;

use crate::{
    app::App,
    extract::{Id, Nothing, Parameters, Writing},
    problem::Result,
};

/// Forget everything personal of a user, for good.
///
/// Their key is destroyed, so their name and address can be read nowhere any more, in the log and
/// in its copies neither. The address is free for others. The event `user.erased` is the receipt.
/// It cannot be undone. Administrators cannot erase themselves.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/erase", tag = "users", params(("id" = UserId, Path)),
    responses((status = 200, description = "What is left of them", body = UserView)),
)]
pub(super) async fn erase_user(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let erase = async |ask| app.identity.erase(ask).await;
    super::change(&app, &writing, id, b"", erase).await
}
