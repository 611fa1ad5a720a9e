//! `GET /auth/me`
//!
//! Invariant: answered from the log itself, so it is right even before any read model knows the
//! user. It has no validator: at one address it shows each caller another user, so that a version
//! tells nothing.

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
    // Whoever acts in another tenant is who they are at home.
    let (tenant, user) = (reading.caller.0.home(), reading.caller.user());
    let current = app.commands.state::<User>(tenant, user.uuid()).await?;
    let current = current.ok_or_else(|| Error::not_found("user"))?;
    let view = answer::user(&app, tenant, user, current.version, current.state).await?;
    let view = At {
        position: current.position,
        stale_since: None,
        value: view,
    };
    Ok(answer::shown(&app, &view))
}
