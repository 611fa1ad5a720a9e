//! `GET /api-keys/{id}/events`
//!
//! Invariant: to all but administrators what happened to the keys of others did not happen. What
//! somebody calls a key is sealed in its events, here as in the log.

use axum::{extract::State, response::Response};
use domain::{AggregateKind, ApiKeyId};
use projections::api_keys;
use schemas::api::{EventView, Page};

use crate::{
    app::App,
    document::PageParameters,
    extract::{History, Id, Parameters, Reading},
    permission,
    problem::{Error, Result},
    routes::history,
};

/// Show what happened to an API key.
///
/// `CloudEvents`, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/api-keys/{id}/events", tag = "api keys",
    params(("id" = ApiKeyId, Path), PageParameters),
    responses((status = 200, description = "A page", body = Page<EventView>)),
)]
pub(super) async fn list_api_key_events(
    State(app): State<App>,
    reading: Reading,
    Parameters(History(paging)): Parameters<History>,
    Id(id): Id,
) -> Result<Response> {
    let found = api_keys::get(&app.store, reading.tenant(), ApiKeyId::new(id), None).await?;
    reading.holds(&found, found.value.is_some())?;
    let owner = found.value.map(|row| row.state.owner);
    if !owner.is_some_and(|owner| permission::owns(&reading.caller.0, owner)) {
        return Err(Error::not_found("API key"));
    }
    history::page(&app, &reading, &paging, AggregateKind::ApiKey, id).await
}
