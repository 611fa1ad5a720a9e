//! `POST /tasks/replay` and `POST /tasks/cancel`
//!
//! Invariant: what is done to which tasks is decided when it is asked for, by a filter and a
//! position; the server does it, and says how far it has come.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::Response,
};
use commands::Ask;
use domain::{
    OperationId,
    operation::{Action, Operation, OperationCommand, OperationStarted, TaskFilter},
};
use schemas::api::OperationView;

use crate::{
    answer,
    app::App,
    extract::{Body, Nothing, Parameters, Writing},
    problem::{Error, Result},
};

/// Put all tasks that a filter names back into the queue.
///
/// Failed and dead ones unless it names statuses. The answer tells where its progress is shown.
#[utoipa::path(
    post, path = "/api/v1/tasks/replay", tag = "tasks", request_body = TaskFilter,
    responses((status = 202, description = "The operation, which has begun", body = OperationView)),
)]
pub(super) async fn replay_tasks(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    body: Body<TaskFilter>,
) -> Result<Response> {
    let ask = writing.creation(&app, &body.bytes)?;
    start(&app, ask, Action::Replay, body.value).await
}

/// Stop all tasks that a filter names.
///
/// All that have not ended unless it names statuses. The answer tells where its progress is shown.
#[utoipa::path(
    post, path = "/api/v1/tasks/cancel", tag = "tasks", request_body = TaskFilter,
    responses((status = 202, description = "The operation, which has begun", body = OperationView)),
)]
pub(super) async fn cancel_tasks(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    body: Body<TaskFilter>,
) -> Result<Response> {
    let ask = writing.creation(&app, &body.bytes)?;
    start(&app, ask, Action::Cancel, body.value).await
}

async fn start(app: &App, ask: Ask, action: Action, filter: TaskFilter) -> Result<Response> {
    let id = OperationId::new(ask.id);
    let as_of = app.commands.head().await?.0;
    let command = OperationCommand::Start(OperationStarted {
        action,
        as_of,
        filter,
    });
    let receipt = app.commands.execute::<Operation>(ask, command).await?;
    let view = schemas::operation_view(id, receipt.version, answer::state(&receipt)?);
    let mut response = answer::written(app, &receipt, StatusCode::ACCEPTED, &view);
    let location = format!("/api/v1/system/operations/{id}");
    let location = location.parse().map_err(Error::internal)?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}
