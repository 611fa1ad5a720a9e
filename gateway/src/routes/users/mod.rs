//! Users.
//!
//! Invariant: personal text is shown only to administrators and to its own person.

mod create;
mod disable;
mod email;
mod enable;
mod erase;
mod events;
mod get;
mod invite;
mod list;
mod mfa;
mod password;
mod patch;
mod platform;
mod role;

use axum::{http::StatusCode, response::Response};
use commands::{AccountError, Ask, Receipt};
use domain::{UserId, user::User};
use schemas::api::Code;
use secrecy::SecretString;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer,
    app::App,
    extract::{Address, Writing},
    limits::Attempt,
    problem::{Error, Result},
    routes::{
        auth::{pause, second_step},
        precondition,
    },
};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_users, create::create_user))
        .routes(routes!(get::get_user, patch::patch_user))
        .routes(routes!(disable::disable_user))
        .routes(routes!(email::put_email))
        .routes(routes!(enable::enable_user))
        .routes(routes!(erase::erase_user))
        .routes(routes!(events::list_user_events))
        .routes(routes!(invite::invite_user))
        .routes(routes!(invite::invite_user_again))
        .routes(routes!(mfa::disable_user_mfa))
        .routes(routes!(password::put_password))
        .routes(routes!(platform::put_platform))
        .routes(routes!(role::put_role))
}

/// What became of a change.
type Changed = std::result::Result<Receipt<User>, AccountError>;

/// Has `act` change the user, as `body` asks, and answers with the user as they are then.
async fn change(
    app: &App,
    writing: &Writing,
    id: Uuid,
    body: &[u8],
    act: impl AsyncFnOnce(Ask) -> Changed,
) -> Result<Response> {
    let (ask, unmet) = asked(app, writing, id, body).await?;
    let receipt = precondition::run_by(ask, unmet, act).await?;
    shown(app, writing, id, &receipt).await
}

/// The same where `act` asks those for their password who change their own way in: a wrong one
/// costs the pauses of a failed step-up, so here a stolen token is no place to guess it either.
async fn change_way_in(
    app: &App,
    writing: &Writing,
    from: Address,
    id: Uuid,
    body: &[u8],
    act: impl AsyncFnOnce(Ask) -> Changed,
) -> Result<Response> {
    let (ask, unmet) = asked(app, writing, id, body).await?;
    let mut attempt = if writing.caller.user().uuid() == id {
        let now = app.commands.clock().now();
        let attempt = (app.limits.sign_ins).begin(second_step(id), from.group(), now);
        Some(attempt.map_err(pause)?)
    } else {
        None
    };
    let judged = async |ask| {
        let outcome = act(ask).await;
        if let Some(attempt) = attempt.take() {
            judge(attempt, &outcome);
        }
        outcome
    };
    let receipt = precondition::run_by(ask, unmet, judged).await;
    if let Some(attempt) = attempt {
        // It is not asked for at all where the request's own terms are unmet.
        attempt.came_to_nothing();
    }
    shown(app, writing, id, &receipt?).await
}

/// Says what an attempt to show one's password came to. An answer that was kept looked at none.
fn judge(attempt: Attempt<'_>, outcome: &Changed) {
    match outcome {
        Err(AccountError::WrongPassword) => {}
        Ok(receipt) if !receipt.replayed => attempt.succeeded(),
        Ok(_) | Err(_) => attempt.came_to_nothing(),
    }
}

/// What `body` asks of the user, on the terms of the request; and which of them is unmet.
async fn asked(
    app: &App,
    writing: &Writing,
    id: Uuid,
    body: &[u8],
) -> Result<(Ask, Option<Error>)> {
    protect(app, writing, id).await?;
    let mut ask = writing.change(app, id, body);
    let unmet = precondition::expect::<User>(app, writing, &mut ask).await?;
    Ok((ask, unmet))
}

async fn shown(
    app: &App,
    writing: &Writing,
    id: Uuid,
    receipt: &Receipt<User>,
) -> Result<Response> {
    let (tenant, state) = (writing.tenant(), answer::state(receipt)?);
    let view = answer::user(app, tenant, UserId::new(id), receipt.version, state).await;
    let view = view
        .map_err(|error| error.after_storing("The user was changed, but cannot be shown now."))?;
    Ok(answer::written(app, receipt, StatusCode::OK, &view))
}

/// Refuses who would change a platform administrator without being one: with another password or
/// address of theirs, they would become one.
async fn protect(app: &App, writing: &Writing, id: Uuid) -> Result<()> {
    let caller = &writing.caller;
    if caller.0.platform || caller.user().uuid() == id {
        return Ok(());
    }
    let (identity, user) = (&app.identity, UserId::new(id));
    if identity.holds_platform(writing.tenant(), user).await? {
        let detail = "only platform administrators change one of them";
        return Err(Error::new(Code::Forbidden, detail));
    }
    Ok(())
}

/// The password that proves that callers are who they are, asked of whoever changes their own way
/// in; an administrator who changes that of somebody else has no such proof.
fn proof(writing: &Writing, id: Uuid, given: Option<String>) -> Result<Option<SecretString>> {
    let own = writing.caller.user().uuid() == id;
    match given {
        Some(password) if own => Ok(Some(password.into())),
        None if !own => Ok(None),
        None => {
            let detail = "is needed to change your own way in";
            Err(Error::invalid_field("/current_password", detail.to_owned()))
        }
        Some(_) => {
            let detail = "is asked only of whoever changes their own way in";
            Err(Error::invalid_field("/current_password", detail.to_owned()))
        }
    }
}
