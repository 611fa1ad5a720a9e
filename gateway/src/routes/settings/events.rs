//! `GET /settings/events`
//!
//! Invariant: settings are there before they ever changed; then nothing has happened to them.

use axum::{extract::State, response::Response};
use domain::AggregateKind;
use projections::event_log;
use schemas::api::{EventView, Page};

use crate::{
    answer,
    app::App,
    document::PageParameters,
    extract::{Cursors, History, Parameters, Reading},
    problem::Result,
};

/// Show who changed which settings of your tenant.
///
/// `CloudEvents`, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/settings/events", tag = "settings", params(PageParameters),
    responses((status = 200, description = "A page", body = Page<EventView>)),
)]
pub(super) async fn list_settings_events(
    State(app): State<App>,
    reading: Reading,
    Parameters(History(paging)): Parameters<History>,
) -> Result<Response> {
    let (tenant, kind) = (reading.tenant(), AggregateKind::Settings);
    let cursors = Cursors::new(&app, tenant, &paging.scope);
    let (after, id) = (paging.after(&cursors)?, tenant.uuid());
    let found = event_log::of_aggregate(&app.store, tenant, kind, id, after, paging.limit).await?;
    let is_there = !found.value.items.is_empty() || paging.goes_on();
    reading.holds(&found, is_there)?;
    answer::listed(&app, &paging, &cursors, found)
}
