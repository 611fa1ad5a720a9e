//! Tasks.
//!
//! Invariant: a client asks for tasks and stops or retries them; everything else of a task's life
//! is its worker's.

mod cancel;
mod create;
mod events;
mod get;
mod list;
mod retry;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_tasks, create::create_task))
        .routes(routes!(get::get_task))
        .routes(routes!(cancel::cancel_task))
        .routes(routes!(retry::retry_task))
        .routes(routes!(events::list_task_events))
}
