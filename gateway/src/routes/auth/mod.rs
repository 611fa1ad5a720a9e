//! Registering, signing in and out, and which sign-ins and keys there are.
//!
//! Invariant: a password or token is never in an address, a log line or a cacheable answer.

mod cookie;
mod keys;
mod login;
mod logout;
mod me;
mod refresh;
mod register;
mod session;
mod sessions;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register::register))
        .routes(routes!(login::login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(me::me))
        .routes(routes!(keys::list_keys))
        .routes(routes!(
            sessions::list_sessions,
            sessions::end_other_sessions
        ))
        .routes(routes!(sessions::end_session))
}
