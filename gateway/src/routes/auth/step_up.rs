//! `POST /auth/step-up`
//!
//! Invariant: only what the caller shows now counts; a wrong guess costs the pauses of a failed
//! sign-in, so a stolen token is no place to guess a password.

use axum::{Json, extract::State};
use commands::{Shown, SteppedUp};
use schemas::api::{AccessToken, Code, StepUp};
use secrecy::ExposeSecret as _;

use super::{
    login::pause,
    login_mfa::{second_step, wrong_code},
};
use crate::{
    app::App,
    extract::{Address, Body, Caller, Nothing, Parameters},
    problem::{Error, Result},
};

/// Show again who you are.
///
/// After `STEP_UP_REQUIRED`: with a code of the authenticator if you have a second factor,
/// otherwise with the password. The access token in the answer, and every later one of this
/// sign-in, says that you did; the one that you sent does not.
#[utoipa::path(
    post, path = "/api/v1/auth/step-up", tag = "auth", request_body = StepUp,
    responses((status = 200, description = "A token that says so", body = AccessToken)),
)]
pub(super) async fn step_up(
    State(app): State<App>,
    caller: Caller,
    Parameters(Nothing): Parameters<Nothing>,
    from: Address,
    body: Body<StepUp>,
) -> Result<Json<AccessToken>> {
    let shown = match (body.value.password, body.value.code) {
        (Some(password), None) => Shown::Password(password.into()),
        (None, Some(code)) => Shown::Code(code.into()),
        _ => {
            let detail = "send either `password` or `code`";
            return Err(Error::invalid_field("", detail));
        }
    };
    let by_code = matches!(shown, Shown::Code(_));
    let now = app.commands.clock().now();
    let account = second_step(caller.user().uuid());
    let attempt = app.limits.sign_ins.begin(account, from.group(), now);
    let attempt = attempt.map_err(pause)?;
    let error = match app.identity.step_up(&caller.0, shown).await {
        Ok(SteppedUp::Right {
            access,
            expires_in_s,
        }) => {
            attempt.succeeded();
            return Ok(Json(AccessToken {
                access_token: access.expose_secret().to_owned(),
                token_type: "Bearer".to_owned(),
                expires_in: expires_in_s,
            }));
        }
        Ok(SteppedUp::Wrong) if by_code => return Err(wrong_code()),
        Ok(SteppedUp::Wrong) => {
            let detail = "It is not the password that you sign in with.";
            return Err(Error::new(Code::InvalidCredentials, detail));
        }
        Ok(SteppedUp::NeedsCode) => {
            let detail = "is needed: you have a second factor";
            Error::invalid_field("/code", detail)
        }
        Ok(SteppedUp::NeedsPassword) => {
            let detail = "is needed: you have no second factor";
            Error::invalid_field("/password", detail)
        }
        Ok(SteppedUp::Paused { seconds }) => pause(seconds),
        Ok(SteppedUp::Ended) => Error::new(Code::AuthenticationRequired, "Sign in again."),
        Err(failure) => failure.into(),
    };
    attempt.came_to_nothing();
    Err(error)
}
