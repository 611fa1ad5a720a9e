//! `DELETE /api-keys/{id}`
//!
//! Invariant: afterwards the key is refused here, and within 2 s everywhere else; streams that it
//! opened end.

use axum::{extract::State, response::Response};
use domain::{ApiKeyId, api_key::ApiKey};

use crate::{
    answer,
    app::App,
    extract::{Id, Nothing, Parameters, Writing},
    permission,
    problem::{Error, Result},
    routes::precondition,
};

/// Revoke an API key, for good.
///
/// It stays listed, with the moment of its end.
#[utoipa::path(
    delete, path = "/api/v1/api-keys/{id}", tag = "api keys", params(("id" = ApiKeyId, Path)),
    responses((status = 204, description = "It is refused from now on")),
)]
pub(super) async fn revoke_api_key(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    Id(id): Id,
) -> Result<Response> {
    let current = app.commands.state::<ApiKey>(writing.tenant(), id).await?;
    let seen = current.filter(|found| permission::owns(&writing.caller.0, found.state.owner));
    if seen.is_none() {
        return Err(Error::not_found("API key"));
    }
    let mut ask = writing.change(&app, id, b"");
    let unmet = precondition::expect::<ApiKey>(&app, &writing, &mut ask).await?;
    let revoke = async |ask| app.identity.revoke_api_key(ask).await;
    let receipt = precondition::run_by(ask, unmet, revoke).await?;
    Ok(answer::deleted(&app, &receipt))
}
