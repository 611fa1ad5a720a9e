//! `PATCH /jobs/{id}`
//!
//! Invariant: what the patch does not name stays; a schedule, task or policy that it names is
//! replaced whole.

use axum::{extract::State, response::Response};
use domain::{
    JobId,
    job::{JobCommand, JobUpdated},
};
use schemas::api::{JobView, PatchJob};

use crate::{
    app::App,
    extract::{Fields, Id, Nothing, Parameters, Patch, Writing},
    problem::Result,
};

/// Change some of a job.
#[utoipa::path(
    patch, path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = JobId, Path)),
    request_body(content = PatchJob, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "As it is now", body = JobView)),
)]
pub(super) async fn patch_job(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
    body: Patch<PatchJob>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let name = match &body.value.name {
        Some(text) => fields.name("/name", text).map(Some),
        None => Some(None),
    };
    let command = JobCommand::Update(JobUpdated {
        name: fields.finish(name)?,
        schedule: body.value.schedule,
        task: body.value.task,
        overlap: body.value.overlap,
        misfire: body.value.misfire,
        policy: body.value.policy,
        origin: None,
    });
    super::change(&app, &writing, id, &body.bytes, command).await
}
