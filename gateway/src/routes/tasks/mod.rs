//! Tasks.
//!
//! Invariant: a client asks for tasks and stops or retries them; everything else of a task's life
//! is its worker's.

mod batch;
mod cancel;
mod create;
mod events;
mod explain;
mod files;
mod get;
mod list;
mod logs;
mod many;
mod progress;
mod retry;
mod run_again;

use axum::{http::StatusCode, response::Response};
use domain::{
    TaskId, TenantId,
    task::{Dependency, Task, TaskCommand, TaskCreated},
};
use schemas::api::CreateTask;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer,
    app::App,
    extract::Writing,
    problem::{Error, Result},
    routes::precondition,
};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_tasks, create::create_task))
        .routes(routes!(get::get_task))
        .routes(routes!(logs::read_task_logs))
        .routes(routes!(progress::tell_task_progress))
        .routes(routes!(cancel::cancel_task))
        .routes(routes!(retry::retry_task))
        .routes(routes!(batch::create_tasks))
        .routes(routes!(many::cancel_tasks))
        .routes(routes!(many::replay_tasks))
        .routes(routes!(run_again::run_task_again))
        .routes(routes!(events::list_task_events))
        .routes(routes!(files::download_task_file))
        .routes(routes!(explain::explain_task))
}

/// What is to be created.
fn created(mut wanted: CreateTask) -> TaskCreated {
    TaskCreated {
        not_before: wanted.not_before,
        after: std::mem::take(&mut wanted.after),
        unique_key: wanted.unique_key.take(),
        ..TaskCreated::new(wanted.into())
    }
}

/// Refuses to wait for tasks that do not exist, in a body that has them under `at`.
async fn check_after(app: &App, tenant: TenantId, at: &str, after: &[Dependency]) -> Result<()> {
    match app.commands.first_unknown(tenant, after).await? {
        None => Ok(()),
        Some(index) => Err(Error::invalid_field(
            format!("{at}/after/{index}/task"),
            "there is no such task",
        )),
    }
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
