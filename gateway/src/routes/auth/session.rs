//! What a sign-in answers.
//!
//! Invariant: the refresh token in the body and the one in the cookie are the same.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use commands::Tokens;
use schemas::api::{Session, UserView};
use secrecy::ExposeSecret;

use super::cookie;
use crate::{app::App, problem::Result};

/// The session of `user`.
pub(super) fn answer(
    app: &App,
    status: StatusCode,
    user: UserView,
    tokens: &Tokens,
) -> Result<Response> {
    let refresh = tokens.refresh.expose_secret();
    let cookie = cookie::set(app, refresh)?;
    let session = Session {
        user,
        access_token: tokens.access.expose_secret().to_owned(),
        refresh_token: refresh.to_owned(),
        token_type: "Bearer".to_owned(),
        expires_in: tokens.expires_in_s,
    };
    Ok((status, [(header::SET_COOKIE, cookie)], Json(session)).into_response())
}
