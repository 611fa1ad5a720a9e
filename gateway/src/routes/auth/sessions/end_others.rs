//! `DELETE /auth/sessions`
//!
//! Invariant: the sign-in that asks goes on; of all others no token works here afterwards, nor
//! within 2 s anywhere else.

use axum::{extract::State, http::StatusCode};

use crate::{
    app::App,
    extract::{Caller, Nothing, Parameters},
    problem::Result,
};

/// End all your sign-ins but this one.
#[utoipa::path(
    delete, path = "/api/v1/auth/sessions", tag = "auth",
    responses((status = 204, description = "They have ended")),
)]
pub(in super::super) async fn end_other_sessions(
    State(app): State<App>,
    caller: Caller,
    Parameters(Nothing): Parameters<Nothing>,
) -> Result<StatusCode> {
    let (tenant, user) = (caller.tenant(), caller.user());
    let this = Some(caller.0.session);
    app.identity.end_sessions(tenant, user, this).await?;
    Ok(StatusCode::NO_CONTENT)
}
