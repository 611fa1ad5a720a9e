//! `POST /auth/login/mfa`
//!
//! Invariant: a wrong code, one that was used and one for nobody cost the same pauses; a challenge
//! that ended says no more than that.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use commands::{Answered, Means, SecondFactor};
use schemas::api::{Code, LoginMfa, Session};
use uuid::Uuid;

use super::{login::pause, session};
use crate::{
    answer,
    app::App,
    extract::{Address, Body, Nothing, Parameters},
    problem::{Error, Result},
};

/// Complete a sign-in with a second factor.
///
/// After `MFA_REQUIRED`, with its `challenge` and either a code of the authenticator or a recovery
/// code.
#[utoipa::path(
    post, path = "/api/v1/auth/login/mfa", tag = "auth", request_body = LoginMfa,
    responses((status = 200, description = "Signed in", body = Session)),
)]
pub(super) async fn login_mfa(
    State(app): State<App>,
    Parameters(Nothing): Parameters<Nothing>,
    from: Address,
    headers: HeaderMap,
    body: Body<LoginMfa>,
) -> Result<Response> {
    let shown = second_factor(body.value.code, body.value.recovery_code)?;
    let (identity, challenge) = (&app.identity, &body.value.challenge);
    let account = identity.challenged(challenge).ok_or_else(ended)?;
    let now = app.commands.clock().now();
    let account = second_step(account.uuid());
    let attempt = app.limits.sign_ins.begin(account, from.group(), now);
    let attempt = attempt.map_err(pause)?;
    let signed_in = match identity.answer_challenge(challenge, &shown).await {
        Ok(Answered::Right(signed_in)) => signed_in,
        Ok(Answered::Wrong) => return Err(wrong_code()),
        Ok(Answered::Ended) => return Err(ended()),
        Ok(Answered::Paused { seconds }) => {
            attempt.came_to_nothing();
            return Err(pause(seconds));
        }
        Err(failure) => {
            attempt.came_to_nothing();
            return Err(failure.into());
        }
    };
    attempt.succeeded();
    let (tenant, id, user) = (signed_in.tenant, signed_in.id, signed_in.user);
    let (role, client) = (user.state.role, session::client(&headers));
    let tokens = identity.start_session_by(tenant, id, role, client, Means::PasswordAndCode);
    let tokens = tokens.await?;
    let view = answer::user(&app, tenant, id, user.version, user.state).await?;
    session::answer(&app, &headers, StatusCode::OK, view, &tokens)
}

fn second_factor(code: Option<String>, recovery_code: Option<String>) -> Result<SecondFactor> {
    match (code, recovery_code) {
        (Some(code), None) => Ok(SecondFactor::Code(code.into())),
        (None, Some(code)) => Ok(SecondFactor::RecoveryCode(code.into())),
        _ => Err(Error::invalid_field(
            "",
            "send either `code` or `recovery_code`",
        )),
    }
}

/// What codes of a user are counted by, apart from their passwords: a right password must not give
/// another try at the code.
pub(in crate::routes) fn second_step(user: Uuid) -> Uuid {
    Uuid::new_v5(&user, b"second factor")
}

pub(super) fn wrong_code() -> Error {
    let detail = "Send the code that is shown now; each works once.";
    Error::new(Code::InvalidCode, detail)
}

fn ended() -> Error {
    let detail = "It lasts five minutes and five tries. Sign in again with your password.";
    Error::new(Code::InvalidChallenge, detail)
}
