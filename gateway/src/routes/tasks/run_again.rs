//! `POST /tasks/{id}/run-again`
//!
//! Invariant: the task that is run again stays as it is; the new one names it.

use axum::{extract::State, response::Response};
use domain::{
    TaskId,
    task::{Task, TaskCreated, TaskRejection, TaskStatus},
};
use schemas::api::{Code, RunAgain, TaskView};

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, OptionalBody, Parameters, Writing},
    problem::{Error, Explain as _, Result},
    routes::precondition,
};

/// Make a new task that does the same, with the same input or another.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/run-again", tag = "tasks", params(("id" = TaskId, Path)),
    request_body = Option<RunAgain>,
    responses((status = 201, description = "The new task", body = TaskView)),
)]
pub(super) async fn run_task_again(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
    body: OptionalBody<RunAgain>,
) -> Result<Response> {
    let first = app.commands.state::<Task>(writing.tenant(), id).await?;
    let first = first.ok_or_else(|| TaskRejection::NotFound.explain())?;
    if first.state.status == TaskStatus::Skipped {
        let detail = "the slot was skipped, so there was nothing to do; trigger its job instead";
        return Err(Error::new(Code::InvalidState, detail));
    }
    let unmet = precondition::unmet(&writing, first.version, true);
    let ask = writing.derivation(&app, &body.bytes);
    let task = TaskId::new(ask.id);
    let mut spec = first.state.spec;
    if let Some(payload) = body.value.payload {
        spec.payload = payload.into();
    }
    let created = TaskCreated {
        again_of: Some(TaskId::new(id)),
        not_before: body.value.not_before,
        unique_key: first.state.unique_key,
        ..TaskCreated::new(spec)
    };
    let receipt = precondition::run_by(ask, unmet, async |ask| {
        app.commands.create_task(ask, created).await
    });
    let receipt = receipt.await?;
    let view = schemas::task_view(task, receipt.version, answer::state(&receipt)?);
    let location = format!("/api/v1/tasks/{task}");
    Ok(answer::created(&app, &receipt, &location, &view))
}
