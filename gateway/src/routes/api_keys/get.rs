//! `GET /api-keys/{id}`
//!
//! Invariant: it has no validator: when a key was last used is not in the log, so a version tells
//! nothing of it.

use axum::{extract::State, response::Response};
use domain::{ApiKeyId, api_key::ApiKey};
use projections::api_keys;
use schemas::api::ApiKeyView;

use crate::{
    answer,
    app::App,
    document::LookParameters,
    extract::{Id, Look, Parameters, Reading},
    past::{self, Whose},
    permission,
    problem::{Error, Result},
};

/// Show an API key, but for the key itself.
#[utoipa::path(
    get, path = "/api/v1/api-keys/{id}", tag = "api keys",
    params(("id" = ApiKeyId, Path), LookParameters),
    responses((status = 200, description = "The key", body = ApiKeyView)),
)]
pub(super) async fn show_api_key(
    State(app): State<App>,
    reading: Reading,
    Parameters(look): Parameters<Look>,
    Id(id): Id,
) -> Result<Response> {
    let (tenant, id) = (reading.tenant(), ApiKeyId::new(id));
    let reading = reading.of(&app, &look).await?;
    let found = api_keys::get(&app.store, tenant, id, reading.moment).await?;
    reading.holds(&found, found.value.is_some())?;
    let row = found.value.clone();
    let row = row.filter(|row| permission::owns(&reading.caller.0, row.state.owner));
    let row = row.ok_or_else(|| Error::not_found("API key"))?;
    if let Some(told) = &look.told {
        let id = id.uuid();
        return past::tell::<ApiKey>(&app, &reading, told, Whose { id, tenant }).await;
    }
    let mut view = answer::api_key(&app, tenant, id, row.version, row.state).await?;
    if reading.moment.is_some() {
        // Only the last use of all is known.
        view.last_used_at = None;
    }
    Ok(answer::shown(&app, &found.map(|_| view)))
}
