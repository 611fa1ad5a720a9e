//! Users.
//!
//! Invariant: personal text is shown only to administrators and to its own person.

mod create;
mod events;
mod get;
mod list;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_users, create::create_user))
        .routes(routes!(get::get_user))
        .routes(routes!(events::list_user_events))
}
