//! `DELETE /auth/mfa/totp`
//!
//! Invariant: whoever turns it off has shown it a moment ago; no other sign-in goes on.

use axum::{extract::State, response::Response};

use crate::{
    answer,
    app::App,
    extract::{Nothing, Parameters, Writing},
    problem::Result,
};

/// Turn off your second factor.
#[utoipa::path(
    delete, path = "/api/v1/auth/mfa/totp", tag = "auth",
    responses((status = 204, description = "It is asked for no more")),
)]
pub(in super::super) async fn disable_totp(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
) -> Result<Response> {
    let ask = writing.change(&app, writing.caller.user().uuid(), b"");
    let session = Some(writing.caller.0.session);
    let receipt = app.identity.disable_mfa(ask, session).await?;
    Ok(answer::deleted(&app, &receipt))
}
