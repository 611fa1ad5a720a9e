//! `POST /tasks/batch`
//!
//! Invariant: all tasks are made or none is; with the same key, the same request makes them once.

use std::collections::HashSet;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use commands::{BATCH_MAX, BatchError, Receipt};
use domain::task::{Task, TaskCreated};
use schemas::{
    Version,
    api::{BatchView, CreateTasks, FieldError},
};

use crate::{
    answer,
    app::App,
    extract::{LargeBody, Nothing, Parameters, Writing},
    problem::{Error, Explain as _, Result},
};

/// How many faults of a batch are told.
const FAULTS_MAX: usize = 100;

/// Create up to 1,000 tasks at once.
///
/// All of them or none. They can be listed by `batch`.
#[utoipa::path(
    post, path = "/api/v1/tasks/batch", tag = "tasks", request_body = CreateTasks,
    responses((status = 201, description = "Created", body = BatchView)),
)]
pub(super) async fn create_tasks(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    body: LargeBody<CreateTasks>,
) -> Result<Response> {
    let ask = writing.creation(&app, &body.bytes)?;
    let wanted = body.value.tasks;
    if !(1..=BATCH_MAX).contains(&wanted.len()) {
        let detail = format!("a batch has 1 to {BATCH_MAX} tasks");
        return Err(Error::invalid_field("/tasks", detail));
    }
    let created: Vec<_> = wanted.into_iter().map(super::created).collect();
    check(&app, &ask, &created).await?;
    let batch = ask.id;
    let receipt = app.commands.create_tasks(ask, created).await?;
    let view = BatchView {
        batch,
        ids: receipt.ids,
    };
    let headers = answer::write_headers(
        &app,
        &Receipt::<Task> {
            changed: !receipt.replayed,
            position: receipt.position,
            replayed: receipt.replayed,
            state: None,
            version: Version(1),
        },
    );
    let mut response = (StatusCode::CREATED, headers, Json(view)).into_response();
    // Each task has a version of its own; the batch has none.
    response.headers_mut().remove(header::ETAG);
    Ok(response)
}

/// What a batch cannot have although a single task could, and tasks to wait for that do not exist.
async fn check(app: &App, ask: &commands::Ask, created: &[TaskCreated]) -> Result<()> {
    let unique = created.iter().enumerate();
    let unique = unique.filter(|(_, task)| task.unique_key.is_some());
    let unique: Vec<_> = unique
        .map(|(index, _)| FieldError {
            pointer: format!("/tasks/{index}/unique_key"),
            detail: "create tasks with a uniqueness key one by one".to_owned(),
        })
        .take(FAULTS_MAX)
        .collect();
    if !unique.is_empty() {
        return Err(Error::invalid_body(unique));
    }
    let mut known = HashSet::new();
    for (index, task) in created.iter().enumerate() {
        let new = task.after.iter().filter(|first| known.insert(first.task));
        let new: Vec<_> = new.copied().collect();
        if app
            .commands
            .first_unknown(ask.tenant, &new)
            .await?
            .is_some()
        {
            // Said of the place where it stands, among all that the task waits for.
            super::check_after(app, ask.tenant, &format!("/tasks/{index}"), &task.after).await?;
        }
    }
    Ok(())
}

impl From<BatchError> for Error {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Command(error) => error.into(),
            BatchError::Rejected(rejected) => {
                let each = rejected.into_iter().take(FAULTS_MAX);
                let each = each.flat_map(|(index, reason)| {
                    reason.explain().within(&format!("/tasks/{index}")).fields()
                });
                Self::invalid_body(each.collect())
            }
        }
    }
}
