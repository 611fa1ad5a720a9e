//! `POST /auth/logout`
//!
//! Invariant: afterwards the refresh token does not work, whether it did before or not.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemas::api::Logout;

use super::cookie;
use crate::{
    app::App,
    extract::{Nothing, OptionalBody, Parameters},
    problem::Result,
};

/// End a sign-in.
///
/// A browser sends its cookie instead of a body. The access token ends by itself within minutes.
#[utoipa::path(
    post, path = "/api/v1/auth/logout", tag = "auth", request_body = Logout,
    responses((status = 204, description = "Signed out")),
)]
pub(super) async fn logout(
    State(app): State<App>,
    Parameters(Nothing): Parameters<Nothing>,
    headers: HeaderMap,
    body: OptionalBody<Logout>,
) -> Result<Response> {
    let sent = cookie::refresh_token(&app, &headers, body.value.refresh_token)?;
    if let Some(sent) = sent {
        app.identity.end_session(&sent).await?;
    }
    let forget = cookie::clear(&app)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, forget)]).into_response())
}
