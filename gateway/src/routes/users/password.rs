//! `PUT /users/{id}/password`
//!
//! Invariant: whoever changes their own password shows that they know the one before. No other
//! sign-in outlives it.

use axum::{extract::State, response::Response};
use commands::PasswordChange;
use domain::UserId;
use schemas::api::UserView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::App,
    extract::{Address, Body, Id, Nothing, Parameters, Writing},
    problem::Result,
};

/// A password to sign in with.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PutPassword {
    /// The new password; at least 8 characters.
    #[schema(format = Password, min_length = 8, max_length = 1024)]
    password: String,
    /// The password that you sign in with now, if it is your own.
    #[schema(format = Password, max_length = 1024)]
    current_password: Option<String>,
}

/// Give a user another password.
#[utoipa::path(
    put, path = "/api/v1/users/{id}/password", tag = "users", params(("id" = UserId, Path)),
    request_body = PutPassword,
    responses((status = 200, description = "As they are now", body = UserView)),
)]
pub(super) async fn put_password(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
    from: Address,
    body: Body<PutPassword>,
) -> Result<Response> {
    let own = writing.caller.user().uuid() == id;
    let change = PasswordChange {
        session: own.then_some(writing.caller.0.session),
        current: super::proof(&writing, id, body.value.current_password)?,
        new: body.value.password.into(),
    };
    let act = async |ask| app.identity.change_password(ask, change).await;
    super::change_way_in(&app, &writing, from, id, &body.bytes, act).await
}
