//! `GET /tasks/{id}`
//!
//! Invariant: what another tenant has does not exist.

use axum::{extract::State, response::Response};
use domain::{TaskId, task::Task};
use projections::tasks;
use schemas::api::TaskView;

use crate::{
    answer,
    app::App,
    document::LookParameters,
    extract::{Id, Look, Parameters, Reading},
    past::{self, Whose},
    problem::Result,
};

/// Show a task.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}", tag = "tasks", params(("id" = TaskId, Path), LookParameters),
    responses((status = 200, description = "The task", body = TaskView)),
)]
pub(super) async fn get_task(
    State(app): State<App>,
    reading: Reading,
    Parameters(look): Parameters<Look>,
    Id(id): Id,
) -> Result<Response> {
    let reading = reading.of(&app, &look).await?;
    if let Some(told) = &look.told {
        let (tenant, id) = (reading.tenant(), id);
        return past::tell::<Task>(&app, &reading, told, Whose { id, tenant }).await;
    }
    let (tenant, id) = (reading.tenant(), TaskId::new(id));
    let found = tasks::get(&app.store, tenant, id, reading.moment).await?;
    answer::one(&app, &reading, found, "task", answer::task)
}
