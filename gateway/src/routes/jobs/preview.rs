//! `POST /jobs/preview`
//!
//! Invariant: the slots are those that the scheduler would fire; both come from the same calendar.

use axum::{Json, extract::State};
use domain::schedule::Calendar;
use schemas::api::{Preview, PreviewJob, PreviewedSlot};

use crate::{
    app::App,
    extract::{Body, Caller, Nothing, Parameters},
    problem::{Error, Result, schedule},
};

/// How many slots are shown unless the client says otherwise.
const COUNT: u32 = 5;
/// The most slots that are shown.
const COUNT_MAX: u32 = 100;

/// Show when a schedule would be due.
///
/// Nothing is stored.
#[utoipa::path(
    post, path = "/api/v1/jobs/preview", tag = "jobs", request_body = PreviewJob,
    responses((status = 200, description = "The next slots", body = Preview)),
)]
pub(super) async fn preview_job(
    State(app): State<App>,
    _caller: Caller,
    Parameters(Nothing): Parameters<Nothing>,
    body: Body<PreviewJob>,
) -> Result<Json<Preview>> {
    let count = body.value.count.unwrap_or(COUNT);
    if !(1..=COUNT_MAX).contains(&count) {
        let detail = format!("lies between 1 and {COUNT_MAX}");
        return Err(Error::invalid_field("/count", detail));
    }
    let calendar = Calendar::try_new(&body.value.schedule).map_err(|reason| schedule(&reason))?;
    let from = body
        .value
        .from
        .unwrap_or_else(|| app.commands.clock().now());
    let slots = calendar.slots_after(from).take(count as usize);
    Ok(Json(Preview {
        slots: slots.map(|at| PreviewedSlot { at }).collect(),
    }))
}
