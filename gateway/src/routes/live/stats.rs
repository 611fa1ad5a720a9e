//! `GET /stats`
//!
//! Invariant: all figures of one answer reflect one position.

use axum::{extract::State, response::Response};
use schemas::api::Stats;

use crate::{
    answer,
    app::App,
    extract::{Nothing, Parameters, Reading},
    problem::Result,
};

/// Count everything there is, and tell how tasks went lately.
///
/// One request for a dashboard: counts of everything by status and type, what came to be and ended
/// in each of the last 24 hours, the part that succeeded, and how long and how late tasks were.
#[utoipa::path(
    get, path = "/api/v1/stats", tag = "live",
    responses((status = 200, description = "The figures", body = Stats)),
)]
pub(super) async fn get_stats(
    State(app): State<App>,
    reading: Reading,
    Parameters(Nothing): Parameters<Nothing>,
) -> Result<Response> {
    let now = app.commands.clock().now();
    let found = projections::stats::get(&app.store, reading.tenant(), now).await?;
    Ok(answer::shown(&app, &found))
}
