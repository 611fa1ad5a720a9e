//! Operations: what is done to many tasks at once.
//!
//! Invariant: an operation is asked for where the tasks are, and only looked at here.

mod get;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get::get_operation))
}
