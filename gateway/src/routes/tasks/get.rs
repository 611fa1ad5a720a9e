//! `GET /tasks/{id}`
//!
//! Invariant: what another tenant has does not exist.

use axum::{extract::State, response::Response};
use domain::TaskId;
use projections::tasks;
use schemas::api::TaskView;

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, Parameters, Reading},
    problem::Result,
};

/// Show a task.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}", tag = "tasks", params(("id" = TaskId, Path)),
    responses((status = 200, description = "The task", body = TaskView)),
)]
pub(super) async fn get_task(
    State(app): State<App>,
    reading: Reading,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let found = tasks::get(&app.store, reading.tenant(), TaskId::new(id)).await?;
    answer::one(&app, &reading, found, "task", answer::task)
}
