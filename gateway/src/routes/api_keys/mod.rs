//! API keys: programs' ways to ask in the name of somebody.
//!
//! Invariant: to all but administrators the keys of others do not exist; the key itself is shown to
//! whoever makes it and never again.

mod create;
mod events;
mod get;
mod list;
mod revoke;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_api_keys, create::create_api_key))
        .routes(routes!(get::show_api_key, revoke::revoke_api_key))
        .routes(routes!(events::list_api_key_events))
}
