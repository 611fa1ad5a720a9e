//! `POST /tasks/{id}/retry`
//!
//! Invariant: only a task that has ended without success is tried again.

use axum::{extract::State, response::Response};
use domain::{TaskId, task::TaskCommand};
use schemas::api::TaskView;

use crate::{
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
    super::change(&app, &writing, id, b"", TaskCommand::Requeue).await
}
