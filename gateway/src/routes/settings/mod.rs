//! What a tenant decides for itself.
//!
//! Invariant: the tenant comes from the token. A tenant that has never set anything is shown the
//! defaults, at version 0.

mod events;
mod get;
mod patch;
mod schema;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get::get_settings, patch::patch_settings))
        .routes(routes!(events::list_settings_events))
        .routes(routes!(schema::get_settings_schema))
}
