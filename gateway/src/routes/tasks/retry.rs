//! `POST /tasks/{id}/retry`
//!
//! Invariant: only a task that has ended without success is tried again.

use axum::{extract::State, http::StatusCode, response::Response};
use domain::{
    TaskId,
    task::{Task, TaskCommand},
};
use schemas::api::TaskView;

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, Parameters, Writing},
    problem::Result,
};

/// Put a failed, dead or cancelled task back into the queue, with all its attempts anew.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/retry", tag = "tasks", params(("id" = TaskId, Path)),
    responses((status = 200, description = "As it is now", body = TaskView)),
)]
pub(super) async fn retry_task(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let ask = writing.change(&app, id, b"");
    let receipt = app
        .commands
        .execute::<Task>(ask, TaskCommand::Requeue)
        .await?;
    let state = answer::state(&receipt)?;
    let view = schemas::task_view(TaskId::new(id), receipt.version, state);
    Ok(answer::written(&app, &receipt, StatusCode::OK, &view))
}
