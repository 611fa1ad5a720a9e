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
    extract::Writing,
    problem::{Error, Result},
    routes::precondition,
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

/// Has `act` change the user, as `body` asks, and answers with the user as they are then.
async fn change(
    app: &App,
    writing: &Writing,
    id: Uuid,
    body: &[u8],
    act: impl AsyncFnOnce(Ask) -> std::result::Result<Receipt<User>, AccountError>,
) -> Result<Response> {
    protect(app, writing, id).await?;
    let mut ask = writing.change(app, id, body);
    let unmet = precondition::expect::<User>(app, writing, &mut ask).await?;
    let receipt = precondition::run_by(ask, unmet, act).await?;
    let (tenant, state) = (writing.tenant(), answer::state(&receipt)?);
    let view = answer::user(app, tenant, UserId::new(id), receipt.version, state).await;
    let view = view
        .map_err(|error| error.after_storing("The user was changed, but cannot be shown now."))?;
    Ok(answer::written(app, &receipt, StatusCode::OK, &view))
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
