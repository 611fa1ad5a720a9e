//! `GET /jobs/{id}`
//!
//! Invariant: what another tenant has does not exist.

use axum::{extract::State, response::Response};
use domain::JobId;
use projections::jobs;
use schemas::api::JobView;

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, Parameters, Reading},
    problem::Result,
};

/// Show a job.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = JobId, Path)),
    responses((status = 200, description = "The job", body = JobView)),
)]
pub(super) async fn get_job(
    State(app): State<App>,
    reading: Reading,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let found = jobs::get(&app.store, reading.tenant(), JobId::new(id)).await?;
    answer::one(&app, &reading, found, "job", answer::job)
}
