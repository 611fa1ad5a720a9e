//! Tasks.
//!
//! Invariant: a client asks for tasks and stops or retries them; everything else of a task's life
//! is its worker's.

mod cancel;
mod create;
mod events;
mod files;
mod get;
mod list;
mod logs;
mod progress;
mod retry;

use axum::{http::StatusCode, response::Response};
use domain::{
    TaskId,
    task::{Task, TaskCommand},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{answer, app::App, extract::Writing, problem::Result, routes::precondition};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_tasks, create::create_task))
        .routes(routes!(get::get_task))
        .routes(routes!(logs::read_task_logs))
        .routes(routes!(progress::get_task_progress))
        .routes(routes!(cancel::cancel_task))
        .routes(routes!(retry::retry_task))
        .routes(routes!(events::list_task_events))
        .routes(routes!(files::download_task_file))
}

/// Runs `command`, which `body` asks for, and answers with the task as it is then.
async fn change(
    app: &App,
    writing: &Writing,
    id: Uuid,
    body: &[u8],
    command: TaskCommand,
) -> Result<Response> {
    let ask = writing.change(app, id, body);
    let receipt = precondition::execute::<Task>(app, writing, ask, command).await?;
    let state = answer::state(&receipt)?;
    let view = schemas::task_view(TaskId::new(id), receipt.version, state);
    Ok(answer::written(app, &receipt, StatusCode::OK, &view))
}
