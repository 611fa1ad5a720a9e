//! Resource types.
//!
//! Invariant: what is stored is a JSON Schema that attributes can be checked against.

mod events;
mod get;
mod list;
mod put;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(
            list::list_resource_types,
            put::create_resource_type,
            put::put_resource_type
        ))
        .routes(routes!(get::get_resource_type))
        .routes(routes!(events::list_resource_type_events))
}
