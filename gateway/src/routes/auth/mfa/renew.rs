//! `POST /auth/mfa/recovery-codes`
//!
//! Invariant: afterwards no code from before works.

use axum::{Json, extract::State};
use schemas::api::RecoveryCodes;
use secrecy::ExposeSecret as _;

use crate::{
    app::App,
    extract::{Caller, Nothing, Parameters},
    problem::Result,
};

/// Renew your recovery codes.
#[utoipa::path(
    post, path = "/api/v1/auth/mfa/recovery-codes", tag = "auth",
    responses((status = 200, description = "The new codes, only here", body = RecoveryCodes)),
)]
pub(in super::super) async fn renew_recovery_codes(
    State(app): State<App>,
    caller: Caller,
    Parameters(Nothing): Parameters<Nothing>,
) -> Result<Json<RecoveryCodes>> {
    let renewed = (app.identity).renew_recovery_codes(caller.tenant(), caller.user());
    let renewed = renewed.await?;
    let codes = renewed.iter().map(|code| code.expose_secret().to_owned());
    Ok(Json(RecoveryCodes {
        recovery_codes: codes.collect(),
    }))
}
