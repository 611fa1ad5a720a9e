//! `POST /workers/attempts/{token}/heartbeat`
//!
//! Invariant: whoever is told to go on still has the attempt.

use axum::{Json, extract::State};
use commands::StopReason;
use schemas::api::{HeartbeatView, StopWord};

use crate::{
    app::App,
    extract::{Caller, Nothing, Parameters, Segment},
    problem::Result,
};

/// Say that an attempt is still being made, and hear whether to stop.
///
/// Who was told to stop has 10 s to do so; then the attempt is ended without them.
#[utoipa::path(
    post, path = "/api/v1/workers/attempts/{token}/heartbeat", tag = "workers",
    params(("token" = String, Path, description = "As it was given with the attempt")),
    responses((status = 200, description = "Whether to go on", body = HeartbeatView)),
)]
pub(super) async fn say_attempt_goes_on(
    State(app): State<App>,
    caller: Caller,
    Parameters(Nothing): Parameters<Nothing>,
    Segment(token): Segment,
) -> Result<Json<HeartbeatView>> {
    let lease = super::lease_of(&app, &caller, &token)?;
    let beat = app.external.beat(&lease).await?;
    Ok(Json(HeartbeatView {
        stop: beat.stop.is_some(),
        reason: beat.stop.map(word),
    }))
}

const fn word(reason: StopReason) -> StopWord {
    match reason {
        StopReason::Cancelled => StopWord::Cancelled,
        StopReason::Lost => StopWord::Lost,
        StopReason::TimedOut => StopWord::TimedOut,
    }
}
