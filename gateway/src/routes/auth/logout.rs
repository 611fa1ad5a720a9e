//! `POST /auth/logout`
//!
//! Invariant: afterwards neither the refresh token works, whether it did before or not, nor any
//! access token of its sign-in.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use schemas::api::Logout;

use super::cookie;
use crate::{
    app::App,
    audit,
    extract::{Nothing, OptionalBody, Parameters},
    problem::Result,
};

/// End a sign-in.
///
/// A browser sends its cookie instead of a body. The access tokens
/// of the sign-in end with it, and streams opened by them.
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
        audit::presented(&app, &sent);
        app.identity.end_session(&sent).await?;
    }
    let forget = cookie::clear(&app, &headers)?;
    Ok((StatusCode::NO_CONTENT, forget).into_response())
}
