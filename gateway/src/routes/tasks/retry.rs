//! `POST /tasks/{id}/retry`
//!
//! Invariant: only a task that has ended without success is tried again.

use axum::{extract::State, http::StatusCode, response::Response};
use domain::{TaskId, task::Task};
use schemas::api::TaskView;

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, Parameters, Writing},
    problem::Result,
    routes::precondition,
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
    let mut ask = writing.change(&app, id, b"");
    let unmet = precondition::expect::<Task>(&app, &writing, &mut ask).await?;
    let receipt =
        precondition::run_by(ask, unmet, async |ask| app.commands.requeue_task(ask).await);
    let receipt = receipt.await?;
    let view = schemas::task_view(TaskId::new(id), receipt.version, answer::state(&receipt)?);
    Ok(answer::written(&app, &receipt, StatusCode::OK, &view))
}
