//! `POST /jobs/{id}/resume`
//!
//! Invariant: slots that passed while the job was paused are not owed.

use axum::{extract::State, response::Response};
use domain::{JobId, job::JobCommand};
use schemas::api::JobView;

use crate::{
    app::App,
    extract::{Id, Nothing, Parameters, Writing},
    problem::Result,
};

/// Let a job fire again, from its next slot on.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/resume", tag = "jobs", params(("id" = JobId, Path)),
    responses((status = 200, description = "As it is now", body = JobView)),
)]
pub(super) async fn resume_job(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    super::change(&app, &writing, id, b"", JobCommand::Resume).await
}
