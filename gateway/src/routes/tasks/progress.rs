//! `GET /tasks/{id}/progress`
//!
//! Invariant: what another tenant has does not exist.

use axum::{extract::State, response::Response};
use domain::TaskId;
use projections::tasks;
use schemas::api::TaskProgressView;

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, Parameters, Reading},
    problem::{Error, Result},
};

/// Show how far a task is.
///
/// As its latest attempt to say so said, for as long as that is kept.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/progress", tag = "tasks", params(("id" = TaskId, Path)),
    responses((status = 200, description = "What was said last", body = TaskProgressView)),
)]
pub(super) async fn tell_task_progress(
    State(app): State<App>,
    reading: Reading,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let (tenant, id) = (reading.tenant(), TaskId::new(id));
    let found = tasks::get(&app.store, tenant, id, None).await?;
    reading.holds(&found, found.value.is_some())?;
    if found.value.is_none() {
        return Err(Error::not_found("task"));
    }
    let progress = app.task_logs.progress(tenant, id).await?;
    let view = found.map(|_| TaskProgressView { progress });
    Ok(answer::shown(&app, &view))
}
