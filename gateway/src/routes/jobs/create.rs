//! `POST /jobs`
//!
//! Invariant: with the same key, the same request makes one job however often it is sent.

use axum::{extract::State, response::Response};
use domain::{
    JobId,
    job::{Job, JobCommand},
};
use schemas::api::{CreateJob, JobView};

use crate::{
    answer,
    app::App,
    extract::{Body, Nothing, Parameters, Writing},
    problem::Result,
};

/// Create a job.
#[utoipa::path(
    post, path = "/api/v1/jobs", tag = "jobs", request_body = CreateJob,
    responses((status = 201, description = "Created", body = JobView)),
)]
pub(super) async fn create_job(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    body: Body<CreateJob>,
) -> Result<Response> {
    let ask = writing.creation(&app, &body.bytes)?;
    let id = JobId::new(ask.id);
    let command = JobCommand::Create(super::wanted(body.value)?);
    let receipt = app.commands.execute::<Job>(ask, command).await?;
    let view = schemas::job_view(id, receipt.version, answer::state(&receipt)?);
    Ok(answer::created(
        &app,
        &receipt,
        &format!("/api/v1/jobs/{id}"),
        &view,
    ))
}
