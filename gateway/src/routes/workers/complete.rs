//! `POST /workers/attempts/{token}/complete`
//!
//! Invariant: said twice it has its effect once; said too late, none.

use axum::{extract::State, http::StatusCode, response::Response};
use schemas::api::{CompleteAttempt, TaskView};

use crate::{
    answer,
    app::App,
    extract::{Nothing, OptionalBody, Parameters, Segment, Writing},
    problem::Result,
};

/// Say that an attempt has done the work.
#[utoipa::path(
    post, path = "/api/v1/workers/attempts/{token}/complete", tag = "workers",
    params(("token" = String, Path, description = "As it was given with the attempt")),
    request_body = Option<CompleteAttempt>,
    responses((status = 200, description = "The task as it is now", body = TaskView)),
)]
pub(super) async fn complete_attempt(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Segment(token): Segment,
    body: OptionalBody<CompleteAttempt>,
) -> Result<Response> {
    let lease = super::lease_of(&app, &writing.caller, &token)?;
    let ask = writing.change(&app, lease.task.uuid(), &body.bytes);
    let receipt = app
        .external
        .complete(ask, &lease, body.value.output)
        .await?;
    let view = super::ended(&lease, &receipt)?;
    Ok(answer::written(&app, &receipt, StatusCode::OK, &view))
}
