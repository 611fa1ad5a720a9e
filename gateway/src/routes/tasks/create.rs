//! `POST /tasks`
//!
//! Invariant: with the same key, the same request makes one task however often it is sent.

use axum::{extract::State, response::Response};
use domain::TaskId;
use schemas::api::{CreateTask, TaskView};

use crate::{
    answer,
    app::App,
    extract::{Body, Nothing, Parameters, Writing},
    problem::Result,
};

/// Create a task.
#[utoipa::path(
    post, path = "/api/v1/tasks", tag = "tasks", request_body = CreateTask,
    responses((status = 201, description = "Created", body = TaskView)),
)]
pub(super) async fn create_task(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    body: Body<CreateTask>,
) -> Result<Response> {
    let ask = writing.creation(&app, &body.bytes)?;
    let id = TaskId::new(ask.id);
    let created = super::created(body.value);
    super::check_after(&app, ask.tenant, "", &created.after).await?;
    let receipt = app.commands.create_task(ask, created).await?;
    let view = schemas::task_view(id, receipt.version, answer::state(&receipt)?);
    Ok(answer::created(
        &app,
        &receipt,
        &format!("/api/v1/tasks/{id}"),
        &view,
    ))
}
