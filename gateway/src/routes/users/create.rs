//! `POST /users`
//!
//! Invariant: the new user belongs to the tenant of the administrator who adds them.

use axum::{extract::State, response::Response};
use commands::Registration;
use domain::{UserId, user::Role};
use schemas::api::UserView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    answer,
    app::App,
    extract::{Body, Nothing, Parameters, Writing},
    problem::Result,
};

/// Somebody to add.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateUser {
    /// The address to sign in with.
    #[schema(format = Email, max_length = 254, examples("bob@example.org"))]
    email: String,
    /// The password to sign in with at first; at least 8 characters.
    #[schema(format = Password, min_length = 8, max_length = 1024)]
    password: String,
    /// What people call them.
    #[schema(min_length = 1, max_length = 200, examples("Bob"))]
    name: String,
    /// What they may do.
    role: Role,
}

/// Add a user.
#[utoipa::path(
    post, path = "/api/v1/users", tag = "users", request_body = CreateUser,
    responses((status = 201, description = "Added", body = UserView)),
)]
pub(super) async fn create_user(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    body: Body<CreateUser>,
) -> Result<Response> {
    let ask = writing.creation(&app, &body.bytes)?;
    let user = UserId::new(ask.id);
    let wanted = Registration {
        email: body.value.email,
        name: body.value.name,
        password: body.value.password.into(),
        role: body.value.role,
    };
    let receipt = app.identity.register(ask, wanted).await?;
    let state = answer::state(&receipt)?;
    let view = answer::user(&app, writing.tenant(), user, receipt.version, state).await;
    let view =
        view.map_err(|error| error.after_storing("The user was added, but cannot be shown now."))?;
    let location = format!("/api/v1/users/{user}");
    Ok(answer::created(&app, &receipt, &location, &view))
}
