//! `DELETE /jobs/{id}`
//!
//! Invariant: the job fires no more; tasks that it has made live on.

use axum::{extract::State, response::Response};
use domain::{
    JobId,
    job::{Job, JobCommand},
};

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, Parameters, Writing},
    problem::Result,
    routes::precondition,
};

/// Delete a job.
#[utoipa::path(
    delete, path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = JobId, Path)),
    responses((status = 204, description = "Gone")),
)]
pub(super) async fn delete_job(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let ask = writing.change(&app, id, b"");
    let receipt = precondition::execute::<Job>(&app, &writing, ask, JobCommand::Delete).await?;
    Ok(answer::deleted(&app, &receipt))
}
