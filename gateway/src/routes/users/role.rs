//! `PUT /users/{id}/role`
//!
//! Invariant: a role that is taken is taken from what is open already, too.

use axum::{extract::State, response::Response};
use commands::AccountChange;
use domain::{UserId, user::Role};
use schemas::api::UserView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::App,
    extract::{Body, Id, Nothing, Parameters, Writing},
    problem::Result,
};

/// What somebody is to be allowed.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PutRole {
    /// What they may do from now on.
    role: Role,
}

/// Give a user another role.
///
/// Administrators cannot take rights from themselves.
#[utoipa::path(
    put, path = "/api/v1/users/{id}/role", tag = "users", params(("id" = UserId, Path)),
    request_body = PutRole,
    responses((status = 200, description = "As they are now", body = UserView)),
)]
pub(super) async fn put_role(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
    body: Body<PutRole>,
) -> Result<Response> {
    let change = AccountChange {
        name: None,
        role: Some(body.value.role),
    };
    let act = async |ask| app.identity.change_account(ask, change).await;
    super::change(&app, &writing, id, &body.bytes, act).await
}
