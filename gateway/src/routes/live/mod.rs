//! What is happening now.
//!
//! Invariant: figures and events bear the positions that reads answer with, so they fit together.

mod rows;
mod socket;
mod stats;
mod stream;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;
pub(in crate::routes) use stream::sent;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(stats::get_stats))
        .routes(routes!(stream::stream_events))
        .routes(routes!(socket::open_socket))
}
