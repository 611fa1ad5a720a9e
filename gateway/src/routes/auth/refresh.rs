//! `POST /auth/refresh`
//!
//! Invariant: a refresh token works once; whoever sends none that works is signed out. Whoever got
//! no answer, whatever became of it, has 10 s to ask again.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use schemas::api::{Code, Refresh, Session};

use super::{cookie, session};
use crate::{
    answer,
    app::App,
    audit,
    extract::{Nothing, OptionalBody, Parameters},
    problem::{Error, Result},
};

/// Exchange a refresh token for a new pair.
///
/// A browser sends its cookie instead of a body.
#[utoipa::path(
    post, path = "/api/v1/auth/refresh", tag = "auth", request_body = Refresh,
    responses((status = 200, description = "A new pair", body = Session)),
)]
pub(super) async fn refresh(
    State(app): State<App>,
    Parameters(Nothing): Parameters<Nothing>,
    headers: HeaderMap,
    body: OptionalBody<Refresh>,
) -> Result<Response> {
    let refused = || Error::new(Code::InvalidRefreshToken, "Sign in again.");
    let sent = cookie::refresh_token(&app, &headers, body.value.refresh_token)?;
    let sent = sent.ok_or_else(refused)?;
    audit::presented(&app, &sent);
    let refreshed = app.identity.refresh(&sent, session::client(&headers));
    let refreshed = refreshed.await?.ok_or_else(refused)?;
    let (principal, current) = (refreshed.principal, refreshed.user);
    let (tenant, user) = (principal.tenant, principal.user);
    let view = answer::user(&app, tenant, user, current.version, current.state).await?;
    session::answer(&app, &headers, StatusCode::OK, view, &refreshed.tokens)
}
