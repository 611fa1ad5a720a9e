//! `PATCH /users/{id}`
//!
//! Invariant: what the patch does not name stays. Role, address and password have routes of their
//! own, since other rules hold for them.

use axum::{extract::State, response::Response};
use commands::AccountChange;
use domain::UserId;
use schemas::api::UserView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::App,
    extract::{Id, Nothing, Parameters, Patch, Writing},
    problem::Result,
};

/// What is to be different of a user.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PatchUser {
    /// What people call them.
    #[schema(min_length = 1, max_length = 200, examples("Bob"))]
    name: Option<String>,
}

/// Change some of a user.
#[utoipa::path(
    patch, path = "/api/v1/users/{id}", tag = "users", params(("id" = UserId, Path)),
    request_body(content = PatchUser, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "As they are now", body = UserView)),
)]
pub(super) async fn patch_user(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
    body: Patch<PatchUser>,
) -> Result<Response> {
    let change = AccountChange {
        name: body.value.name,
        role: None,
    };
    let act = async |ask| app.identity.change_account(ask, change).await;
    super::change(&app, &writing, id, &body.bytes, act).await
}
