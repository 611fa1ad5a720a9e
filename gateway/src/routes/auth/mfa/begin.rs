//! `POST /auth/mfa/totp`
//!
//! Invariant: nothing is asked for yet at sign-in; what was begun before no longer counts.

use axum::{Json, extract::State};
use schemas::api::TotpEnrolment;
use secrecy::ExposeSecret as _;

use crate::{
    app::App,
    extract::{Caller, Nothing, Parameters},
    problem::Result,
};

/// Begin to turn on a second factor.
///
/// Give the secret to an authenticator and confirm with a code of it within 15 minutes.
#[utoipa::path(
    post, path = "/api/v1/auth/mfa/totp", tag = "auth",
    responses((status = 200, description = "What the authenticator needs, only here",
        body = TotpEnrolment)),
)]
pub(in super::super) async fn begin_totp(
    State(app): State<App>,
    caller: Caller,
    Parameters(Nothing): Parameters<Nothing>,
) -> Result<Json<TotpEnrolment>> {
    let begun = app.identity.begin_totp(caller.tenant(), caller.user());
    let begun = begun.await?;
    Ok(Json(TotpEnrolment {
        secret: begun.secret.expose_secret().to_owned(),
        uri: begun.uri.expose_secret().to_owned(),
    }))
}
