//! `GET /jobs/{id}`
//!
//! Invariant: what another tenant has does not exist.

use axum::{extract::State, response::Response};
use domain::{JobId, job::Job};
use projections::jobs;
use schemas::api::JobView;

use crate::{
    answer,
    app::App,
    document::LookParameters,
    extract::{Id, Look, Parameters, Reading},
    past::{self, Whose},
    problem::Result,
};

/// Show a job.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = JobId, Path), LookParameters),
    responses((status = 200, description = "The job", body = JobView)),
)]
pub(super) async fn get_job(
    State(app): State<App>,
    reading: Reading,
    Parameters(look): Parameters<Look>,
    Id(id): Id,
) -> Result<Response> {
    let reading = reading.of(&app, &look).await?;
    if let Some(told) = &look.told {
        let (tenant, id) = (reading.tenant(), id);
        return past::tell::<Job>(&app, &reading, told, Whose { id, tenant }).await;
    }
    let (tenant, id) = (reading.tenant(), JobId::new(id));
    let found = jobs::get(&app.store, tenant, id, reading.moment).await?;
    answer::one(&app, &reading, found, "job", answer::job)
}
