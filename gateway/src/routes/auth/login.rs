//! `POST /auth/login`
//!
//! Invariant: an unknown address and a wrong password get the same answer in the same time.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use commands::DEFAULT_TENANT;
use schemas::api::{Code, Login, Session};

use super::session;
use crate::{
    answer,
    app::App,
    extract::{Body, Nothing, Parameters},
    problem::{Error, Result},
};

/// Sign in.
#[utoipa::path(
    post, path = "/api/v1/auth/login", tag = "auth", request_body = Login,
    responses((status = 200, description = "Signed in", body = Session)),
)]
pub(super) async fn login(
    State(app): State<App>,
    Parameters(Nothing): Parameters<Nothing>,
    headers: HeaderMap,
    body: Body<Login>,
) -> Result<Response> {
    let Login { email, password } = body.value;
    let known = app
        .identity
        .sign_in(DEFAULT_TENANT, &email, password.into())
        .await?;
    let Some((user, current)) = known else {
        let detail = "Check both and try again.";
        return Err(Error::new(Code::InvalidCredentials, detail));
    };
    let role = current.state.role;
    let tokens = app
        .identity
        .start_session_of(DEFAULT_TENANT, user, role, session::client(&headers))
        .await?;
    let view = answer::user(&app, DEFAULT_TENANT, user, current.version, current.state).await?;
    session::answer(&app, &headers, StatusCode::OK, view, &tokens)
}
