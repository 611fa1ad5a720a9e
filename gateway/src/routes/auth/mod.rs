//! Registering, signing in and out.
//!
//! Invariant: a password or token is never in an address, a log line or a cacheable answer.

mod cookie;
mod login;
mod logout;
mod me;
mod refresh;
mod register;
mod session;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register::register))
        .routes(routes!(login::login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(me::me))
}
