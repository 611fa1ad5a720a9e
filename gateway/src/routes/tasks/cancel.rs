//! `PUT /tasks/{id}/cancel`
//!
//! Invariant: a task that has ended otherwise stays as it is; asking twice changes nothing.

use axum::{extract::State, response::Response};
use domain::{
    TaskId,
    task::{TaskCancelRequested, TaskCommand},
};
use schemas::api::{CancelTask, TaskView};

use crate::{
    app::App,
    extract::{Fields, Id, Nothing, OptionalBody, Parameters, Writing},
    problem::Result,
};

/// Stop a task.
///
/// At once while it waits. While it runs its handler is asked to stop, and ended by force once its
/// grace is over, or at once if that is asked for.
#[utoipa::path(
    put, path = "/api/v1/tasks/{id}/cancel", tag = "tasks", params(("id" = TaskId, Path)),
    request_body = Option<CancelTask>,
    responses((status = 200, description = "As it is now", body = TaskView)),
)]
pub(super) async fn cancel_task(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
    body: OptionalBody<CancelTask>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let reason = body.value.reason.clone();
    fields.text("/reason", reason.as_deref(), 1_000);
    let reason = fields.finish(Some(reason))?;
    let command = TaskCommand::Cancel(TaskCancelRequested {
        reason,
        mode: body.value.mode,
        grace_ms: body.value.grace_ms,
    });
    super::change(&app, &writing, id, &body.bytes, command).await
}
