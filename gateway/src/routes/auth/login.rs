//! `POST /auth/login`
//!
//! Invariant: an unknown tenant, an unknown address and a wrong password get the same answer in the
//! same time, and the same pauses after that. Whether somebody has a second factor is told for the
//! right password only.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use schemas::api::{Code, Login, Session};

use super::{session, tenant_of};
use crate::{
    answer,
    app::App,
    audit,
    extract::{Address, Body, Nothing, Parameters},
    problem::{Error, Result},
};

/// Sign in.
///
/// Whoever has a second factor is answered `MFA_REQUIRED` with a `challenge`, which
/// `POST /auth/login/mfa` takes with the code.
#[utoipa::path(
    post, path = "/api/v1/auth/login", tag = "auth", request_body = Login,
    responses((status = 200, description = "Signed in", body = Session)),
)]
pub(super) async fn login(
    State(app): State<App>,
    Parameters(Nothing): Parameters<Nothing>,
    from: Address,
    headers: HeaderMap,
    body: Body<Login>,
) -> Result<Response> {
    let Login {
        email,
        password,
        tenant,
    } = body.value;
    let tenant = tenant_of(tenant.as_deref());
    let account = app.identity.address_digest(tenant, &email);
    audit::tried(account);
    let now = app.commands.clock().now();
    let attempt = app.limits.sign_ins.begin(account, from.group(), now);
    let attempt = attempt.map_err(pause)?;
    let known = app.identity.sign_in(tenant, &email, password.into()).await;
    let (user, current) = match known {
        Ok(Some(known)) => known,
        Ok(None) => {
            if app.identity.is_open(tenant).await? {
                audit::addressed(tenant);
            }
            let detail = "Check both and try again.";
            return Err(Error::new(Code::InvalidCredentials, detail));
        }
        Err(failure) => {
            attempt.came_to_nothing();
            return Err(failure.into());
        }
    };
    attempt.succeeded();
    let challenge = app.identity.challenge(tenant, user, &current.state);
    if let Some(challenge) = challenge.await? {
        let detail = "Send the challenge and a code to /api/v1/auth/login/mfa.";
        return Err(Error::new(Code::MfaRequired, detail).with_challenge(challenge));
    }
    let role = current.state.role;
    let tokens = app
        .identity
        .start_session_of(tenant, user, role, session::client(&headers))
        .await?;
    let view = answer::user(&app, tenant, user, current.version, current.state).await?;
    session::answer(&app, &headers, StatusCode::OK, view, &tokens)
}

pub(in crate::routes) fn pause(seconds: i64) -> Error {
    let detail = format!("This sign-in has failed too often; try again in {seconds} s.");
    Error::new(Code::TooManyRequests, detail).with_retry_after(seconds)
}
