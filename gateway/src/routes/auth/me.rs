//! `GET /auth/me`
//!
//! Invariant: answered from the log itself, so it is right even before any read model knows the
//! user.

use axum::{extract::State, response::Response};
use domain::user::User;
use projections::At;
use schemas::api::UserView;

use crate::{
    answer,
    app::App,
    extract::{Nothing, Parameters, Reading},
    problem::{Error, Result},
};

/// Who is signed in.
#[utoipa::path(
    get, path = "/api/v1/auth/me", tag = "auth",
    responses((status = 200, description = "The user", body = UserView)),
)]
pub(super) async fn me(
    State(app): State<App>,
    reading: Reading,
    Parameters(Nothing): Parameters<Nothing>,
) -> Result<Response> {
    let (tenant, user) = (reading.tenant(), reading.caller.user());
    let current = app.commands.state::<User>(tenant, user.uuid()).await?;
    let current = current.ok_or_else(|| Error::not_found("user"))?;
    let version = current.version;
    let view = At {
        position: current.position,
        value: answer::user(&app, tenant, user, version, current.state).await?,
    };
    Ok(answer::found(&app, &reading, version, &view))
}
