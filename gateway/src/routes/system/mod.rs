//! The gateway itself: probes, the documents, pages about problems.
//!
//! Invariant: nothing here tells anything about a tenant.

mod asyncapi;
mod livez;
mod openapi;
mod problem;
mod readyz;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(asyncapi::asyncapi))
        .routes(routes!(livez::livez))
        .routes(routes!(readyz::readyz))
        .routes(routes!(openapi::openapi))
        .routes(routes!(problem::problem))
}
