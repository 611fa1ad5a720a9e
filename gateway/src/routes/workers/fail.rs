//! `POST /workers/attempts/{token}/fail`
//!
//! Invariant: what follows is decided as for any attempt: another one, the end, or, if somebody
//! asked for that, that the task is cancelled.

use axum::{extract::State, http::StatusCode, response::Response};
use schemas::api::{FailAttempt, TaskView};

use crate::{
    answer,
    app::App,
    extract::{Body, Fields, Nothing, Parameters, Segment, Writing},
    problem::Result,
};

/// Say that an attempt went wrong, or has stopped as it was told to.
#[utoipa::path(
    post, path = "/api/v1/workers/attempts/{token}/fail", tag = "workers",
    params(("token" = String, Path, description = "As it was given with the attempt")),
    request_body = FailAttempt,
    responses((status = 200, description = "The task as it is now", body = TaskView)),
)]
pub(super) async fn fail_attempt(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Segment(token): Segment,
    body: Body<FailAttempt>,
) -> Result<Response> {
    let lease = super::lease_of(&app, &writing.caller, &token)?;
    let mut fields = Fields::default();
    let named = (!body.value.code.is_empty()).then_some(());
    fields.take("/code", named.ok_or("has 1 to 100 characters"));
    fields.text("/code", Some(&body.value.code), 100);
    fields.text("/message", Some(&body.value.message), 2_000);
    let error = fields.finish(Some(body.value.error()))?;
    let ask = writing.change(&app, lease.task.uuid(), &body.bytes);
    let receipt = app.external.fail(ask, &lease, error).await?;
    let view = super::ended(&lease, &receipt)?;
    Ok(answer::written(&app, &receipt, StatusCode::OK, &view))
}
