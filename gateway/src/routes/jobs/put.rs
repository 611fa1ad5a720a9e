//! `PUT /jobs/{id}`
//!
//! Invariant: afterwards the job is just so, whether it was there before or not; only whether it is
//! paused stays as it was.

use axum::{extract::State, response::Response};
use domain::{
    JobId,
    job::{Job, JobCommand},
};
use schemas::api::{CreateJob, JobView};

use crate::{
    answer,
    app::App,
    extract::{Body, Id, Nothing, Parameters, Writing},
    problem::Result,
    routes::precondition,
};

/// Create a job under an id of your own, or replace it.
#[utoipa::path(
    put, path = "/api/v1/jobs/{id}", tag = "jobs", request_body = CreateJob,
    params(("id" = JobId, Path)),
    responses(
        (status = 201, description = "Created", body = JobView),
        (status = 200, description = "Replaced, or just so already", body = JobView),
    ),
)]
pub(super) async fn put_job(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
    body: Body<CreateJob>,
) -> Result<Response> {
    let ask = writing.change(&app, id, &body.bytes);
    let command = JobCommand::Put(super::wanted(body.value)?);
    let receipt = precondition::execute::<Job>(&app, &writing, ask, command).await?;
    let state = answer::state(&receipt)?;
    let first = state.created_at == state.updated_at;
    let view = schemas::job_view(JobId::new(id), receipt.version, state);
    let location = format!("/api/v1/jobs/{id}");
    Ok(answer::put(&app, &receipt, first, &location, &view))
}
