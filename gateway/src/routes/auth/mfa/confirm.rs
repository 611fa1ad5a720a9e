//! `POST /auth/mfa/totp/confirm`
//!
//! Invariant: whoever turns it on has shown that their authenticator works. All other sign-ins end,
//! since they were made without it.

use axum::{extract::State, http::StatusCode, response::Response};
use schemas::api::{ConfirmTotp, RecoveryCodes};
use secrecy::ExposeSecret as _;

use crate::{
    answer,
    app::App,
    extract::{Body, Nothing, Parameters, Writing},
    problem::Result,
};

/// Turn on the second factor that was begun.
///
/// Keep the recovery codes: each lets you in once without your authenticator. A retry with the same
/// `Idempotency-Key` gives new ones.
#[utoipa::path(
    post, path = "/api/v1/auth/mfa/totp/confirm", tag = "auth", request_body = ConfirmTotp,
    responses((status = 200, description = "The recovery codes, only here", body = RecoveryCodes)),
)]
pub(in super::super) async fn confirm_totp(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    body: Body<ConfirmTotp>,
) -> Result<Response> {
    let id = writing.caller.user().uuid();
    let ask = writing.change(&app, id, &body.bytes);
    let (code, session) = (body.value.code.into(), writing.caller.0.session);
    let enrolled = app.identity.confirm_totp(ask, code, session).await?;
    let codes = enrolled.recovery_codes.iter();
    let view = RecoveryCodes {
        recovery_codes: codes.map(|code| code.expose_secret().to_owned()).collect(),
    };
    Ok(answer::written(
        &app,
        &enrolled.receipt,
        StatusCode::OK,
        &view,
    ))
}
