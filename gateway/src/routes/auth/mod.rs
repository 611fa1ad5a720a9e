//! Registering, signing in and out, and which sign-ins and keys there are.
//!
//! Invariant: a password or token is never in an address, a log line or a cacheable answer.

mod accept;
mod cookie;
mod keys;
mod login;
mod login_mfa;
mod logout;
mod me;
mod mfa;
mod oidc;
mod refresh;
mod register;
mod session;
mod sessions;
mod step_up;

use domain::{Slug, TenantId};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::app::App;

pub(super) use login::pause;
pub(super) use login_mfa::second_step;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register::register))
        .routes(routes!(accept::accept_invitation))
        .routes(routes!(login::login))
        .routes(routes!(login_mfa::login_mfa))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(me::me))
        .routes(routes!(mfa::show_mfa))
        .routes(routes!(mfa::renew_recovery_codes))
        .routes(routes!(mfa::begin_totp, mfa::disable_totp))
        .routes(routes!(mfa::confirm_totp))
        .routes(routes!(keys::list_keys))
        .merge(oidc::router())
        .routes(routes!(
            sessions::list_sessions,
            sessions::end_other_sessions
        ))
        .routes(routes!(sessions::end_session))
        .routes(routes!(step_up::step_up))
}

/// The tenant that a sign-in names; the main one if none. A text that is no slug stands for a
/// tenant that nobody can have, and is looked up like any other.
fn tenant_of(slug: Option<&str>) -> TenantId {
    let named = |slug| {
        Slug::try_new(slug).map_or(TenantId::new(Uuid::nil()), |slug| TenantId::of_slug(&slug))
    };
    slug.map_or(TenantId::MAIN, named)
}
