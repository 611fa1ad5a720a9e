//! `GET /jobs/{id}/events`
//!
//! Invariant: the history of what was deleted can still be read.

use axum::{extract::State, response::Response};
use domain::{AggregateKind, JobId};
use schemas::api::{EventView, Page};

use crate::{
    app::App,
    document::PageParameters,
    extract::{History, Id, Parameters, Reading},
    problem::Result,
    routes::history,
};

/// Show what happened to a job.
///
/// `CloudEvents`, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/jobs/{id}/events", tag = "jobs",
    params(("id" = JobId, Path), PageParameters),
    responses((status = 200, description = "A page", body = Page<EventView>)),
)]
pub(super) async fn list_job_events(
    State(app): State<App>,
    reading: Reading,
    Parameters(History(paging)): Parameters<History>,
    Id(id): Id,
) -> Result<Response> {
    history::page(&app, &reading, &paging, AggregateKind::Job, id).await
}
