//! `GET /auth/mfa`
//!
//! Invariant: answered from the log and the vault themselves, so it is right at once.

use axum::{Json, extract::State};
use schemas::api::MfaView;

use crate::{
    app::App,
    extract::{Caller, Nothing, Parameters},
    problem::Result,
};

/// Whether you have a second factor.
#[utoipa::path(
    get, path = "/api/v1/auth/mfa", tag = "auth",
    responses((status = 200, description = "How it stands", body = MfaView)),
)]
pub(in super::super) async fn show_mfa(
    State(app): State<App>,
    caller: Caller,
    Parameters(Nothing): Parameters<Nothing>,
) -> Result<Json<MfaView>> {
    let state = app.identity.mfa_state(caller.tenant(), caller.user());
    let state = state.await?;
    Ok(Json(MfaView {
        enabled: state.enabled,
        recovery_codes_left: state.recovery_codes_left,
    }))
}
