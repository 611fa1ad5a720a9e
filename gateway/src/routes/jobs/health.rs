//! `GET /jobs/{id}/health`
//!
//! Invariant: what another tenant has does not exist.

use axum::{extract::State, response::Response};
use domain::JobId;
use projections::health;
use schemas::api::{JobHealthView, Percentiles};

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, Parameters, Reading},
    problem::{Error, Result},
};

/// Show how a job does.
///
/// What its latest runs came to, how long they took and waited, and whether it is late, failing or
/// silent.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}/health", tag = "jobs", params(("id" = JobId, Path)),
    responses((status = 200, description = "How it does", body = JobHealthView)),
)]
pub(super) async fn assess_job(
    State(app): State<App>,
    reading: Reading,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let id = JobId::new(id);
    let found = health::health(&app.store, reading.tenant(), id).await?;
    reading.holds(&found, found.value.is_some())?;
    let now = app.commands.clock().now();
    let some = |percentiles: Percentiles| (percentiles.sampled > 0).then_some(percentiles);
    let view = found.clone().value.map(|found| JobHealthView {
        id,
        alerts: found.job.state.alerts(id, &found.signs, now),
        runs: found.runs,
        succeeded: found.succeeded,
        failed: found.failed,
        cancelled: found.cancelled,
        failures_in_a_row: found.signs.failures_in_a_row,
        duration_ms: some(found.duration_ms),
        wait_ms: some(found.wait_ms),
    });
    let view = view.ok_or_else(|| Error::not_found("job"))?;
    Ok(answer::shown(&app, &found.map(|_| view)))
}
