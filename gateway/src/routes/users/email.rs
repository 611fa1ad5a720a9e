//! `PUT /users/{id}/email`
//!
//! Invariant: whoever changes their own address shows that they know the password, so a token that
//! was stolen does not become an account that was stolen.

use axum::{extract::State, response::Response};
use commands::EmailChange;
use domain::UserId;
use schemas::api::UserView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::App,
    extract::{Address, Body, Id, Nothing, Parameters, Writing},
    problem::Result,
};

/// An address to sign in with.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PutEmail {
    /// The new address.
    #[schema(format = Email, max_length = 254, examples("bob@example.org"))]
    email: String,
    /// The password that you sign in with, if it is your own address.
    #[schema(format = Password, max_length = 1024)]
    current_password: Option<String>,
}

/// Give a user another address to sign in with.
#[utoipa::path(
    put, path = "/api/v1/users/{id}/email", tag = "users", params(("id" = UserId, Path)),
    request_body = PutEmail,
    responses((status = 200, description = "As they are now", body = UserView)),
)]
pub(super) async fn put_email(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
    from: Address,
    body: Body<PutEmail>,
) -> Result<Response> {
    let change = EmailChange {
        email: body.value.email,
        password: super::proof(&writing, id, body.value.current_password)?,
    };
    let act = async |ask| app.identity.change_email(ask, change).await;
    super::change_way_in(&app, &writing, from, id, &body.bytes, act).await
}
