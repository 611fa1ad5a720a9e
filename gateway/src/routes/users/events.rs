//! `GET /users/{id}/events`
//!
//! Invariant: the history of what was deleted can still be read.

use axum::{extract::State, response::Response};
use domain::{AggregateKind, UserId};
use projections::event_log;
use schemas::api::{EventView, Page};

use crate::{
    answer,
    app::App,
    document::PageParameters,
    extract::{Cursors, History, Id, Parameters, Reading},
    problem::Result,
};

/// Show what happened to a user.
///
/// `CloudEvents`, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/users/{id}/events", tag = "users",
    params(("id" = UserId, Path), PageParameters),
    responses((status = 200, description = "A page", body = Page<EventView>)),
)]
pub(super) async fn list_user_events(
    State(app): State<App>,
    reading: Reading,
    Parameters(History(paging)): Parameters<History>,
    Id(id): Id,
) -> Result<Response> {
    let tenant = reading.tenant();
    reading.caller.may_see(UserId::new(id))?;
    let cursors = Cursors::new(&app, tenant, &paging.scope);
    let (after, kind) = (paging.after(&cursors)?, AggregateKind::User);
    let found = event_log::of_aggregate(&app.store, tenant, kind, id, after, paging.limit).await?;
    answer::events(&app, &paging, &cursors, "user", found)
}
