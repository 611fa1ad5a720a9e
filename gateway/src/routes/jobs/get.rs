//! `GET /jobs/{id}`
//!
//! Invariant: what another tenant has does not exist.

use axum::{extract::State, response::Response};
use domain::JobId;
use projections::{At, jobs};
use schemas::api::JobView;

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, Parameters, Reading},
    problem::{Error, Result},
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
    let row = found.value.ok_or_else(|| Error::not_found("job"))?;
    let version = row.version;
    let view = At {
        position: found.position,
        value: answer::job(row),
    };
    Ok(answer::found(&app, &reading, version, &view))
}
