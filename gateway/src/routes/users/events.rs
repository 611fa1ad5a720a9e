//! `GET /users/{id}/events`
//!
//! Invariant: to anyone but an administrator, other users do not exist.

use axum::{extract::State, response::Response};
use domain::{AggregateKind, UserId};
use schemas::api::{EventView, Page};

use crate::{
    app::App,
    document::PageParameters,
    extract::{History, Id, Parameters, Reading},
    problem::Result,
    routes::history,
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
    history::page(&app, &reading, &paging, AggregateKind::User, id).await
}
