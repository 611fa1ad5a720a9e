//! What a sign-in answers.
//!
//! Invariant: the refresh token in the body and the one in the cookie are the same. A page is given
//! it by the cookie alone, which its scripts cannot read.

use axum::{
    Json,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use commands::Tokens;
use schemas::api::{Session, UserView};
use secrecy::ExposeSecret;

use super::cookie;
use crate::{app::App, audit, problem::Result};

/// What the client that sent `headers` calls itself.
pub(super) fn client(headers: &HeaderMap) -> Option<&str> {
    let sent = headers.get(header::USER_AGENT);
    sent.and_then(|value| value.to_str().ok())
}

/// The session of `user`, for who sent `headers`.
pub(super) fn answer(
    app: &App,
    headers: &HeaderMap,
    status: StatusCode,
    user: UserView,
    tokens: &Tokens,
) -> Result<Response> {
    let refresh = tokens.refresh.expose_secret();
    audit::signed_in(app, refresh);
    let by_cookie = cookie::counts(app, headers);
    let cookie = cookie::set(app, headers, refresh)?;
    let session = Session {
        user,
        access_token: tokens.access.expose_secret().to_owned(),
        refresh_token: (!by_cookie).then(|| refresh.to_owned()),
        token_type: "Bearer".to_owned(),
        expires_in: tokens.expires_in_s,
    };
    Ok((status, cookie, Json(session)).into_response())
}
