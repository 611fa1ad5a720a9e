//! `POST /jobs/{id}/trigger`
//!
//! Invariant: the task is made from the job's template as the log has it now, beside the schedule:
//! no slot is taken by it.

use axum::{extract::State, response::Response};
use domain::{
    JobId, TaskId,
    job::{Job, JobRejection, JobStatus},
    task::{JobSlot, Task, TaskCommand, TaskCreated},
};
use schemas::api::{TaskView, TriggerJob};

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, OptionalBody, Parameters, Writing},
    problem::{Explain as _, Result},
    routes::precondition,
};

/// Run a job's task now.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/trigger", tag = "jobs", params(("id" = JobId, Path)),
    request_body = Option<TriggerJob>,
    responses((status = 201, description = "The task", body = TaskView)),
)]
pub(super) async fn trigger_job(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
    body: OptionalBody<TriggerJob>,
) -> Result<Response> {
    let job = app.commands.state::<Job>(writing.tenant(), id).await?;
    let job = job.ok_or_else(|| JobRejection::NotFound.explain())?;
    let unmet = match job.state.status {
        JobStatus::Deleted => Some(JobRejection::NotFound.explain()),
        _ => precondition::unmet(&writing, job.version, true),
    };
    let ask = writing.derivation(&app, &body.bytes);
    let task = TaskId::new(ask.id);
    let command = TaskCommand::Create(TaskCreated {
        origin: Some(JobSlot {
            job_id: JobId::new(id),
            slot: None,
            run: None,
        }),
        ..TaskCreated::new(job.state.task)
    });
    let receipt = precondition::run::<Task>(&app, ask, command, unmet).await?;
    let view = schemas::task_view(task, receipt.version, answer::state(&receipt)?);
    let location = format!("/api/v1/tasks/{task}");
    Ok(answer::created(&app, &receipt, &location, &view))
}
