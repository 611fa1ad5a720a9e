//! `POST /jobs/{id}/pause`
//!
//! Invariant: pausing a paused job changes nothing, its note included.

use axum::{extract::State, response::Response};
use domain::{JobId, job::JobCommand};
use schemas::api::{JobView, PauseJob};

use crate::{
    app::App,
    extract::{Fields, Id, Nothing, OptionalBody, Parameters, Writing},
    problem::Result,
};

/// Let a job fire no more until it is resumed.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/pause", tag = "jobs", params(("id" = JobId, Path)),
    request_body = Option<PauseJob>,
    responses((status = 200, description = "As it is now", body = JobView)),
)]
pub(super) async fn pause_job(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
    body: OptionalBody<PauseJob>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let note = body.value.note;
    fields.text("/note", note.as_deref(), 1_000);
    let note = fields.finish(Some(note))?;
    let command = JobCommand::Pause { note };
    super::change(&app, &writing, id, &body.bytes, command).await
}
