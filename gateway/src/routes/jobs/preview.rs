//! `POST /jobs/preview`
//!
//! Invariant: the slots are those that the scheduler would fire; both come from the same calendar.

use axum::{Json, extract::State};
use domain::schedule::Calendar;
use schemas::api::{Preview, PreviewJob, PreviewedSlot};

use crate::{
    app::App,
    extract::{Body, Caller, Nothing, Parameters},
    problem::{Error, Result, policy, schedule},
};

/// How many slots are shown unless the client says otherwise.
const COUNT: u32 = 5;
/// The most slots that are shown.
const COUNT_MAX: u32 = 100;

/// Show when a schedule would be due, and what is odd about that.
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
    let told = body.value.policy;
    told.check().map_err(|reason| policy(&reason))?;
    let from = body
        .value
        .from
        .unwrap_or_else(|| app.commands.clock().now());
    // Jitter follows from the job as well, and nobody knows the id of a job that is not there.
    let fires_at = |at| body.value.job_id.map(|job| told.due_at(job, at));
    let slots = calendar.slots_after(from);
    let slots = slots.take_while(|at| !told.has_ended(*at));
    let slots = slots.take(count as usize).map(|at| PreviewedSlot {
        at,
        fires_at: fires_at(at).filter(|_| told.jitter_ms.is_some()),
        local: calendar.local(at),
        oddity: calendar.oddity(at),
    });
    Ok(Json(Preview {
        slots: slots.collect(),
    }))
}
