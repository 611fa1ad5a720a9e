//! `POST /api-keys`
//!
//! Invariant: a key has no scope that its owner's role does not give. The same request with the
//! same idempotency key makes one key, and is answered with it each time.

use axum::{extract::State, response::Response};
use commands::NewApiKey;
use domain::ApiKeyId;
use schemas::api::{CreateApiKey, CreatedApiKey};
use secrecy::ExposeSecret as _;

use crate::{
    answer,
    app::App,
    extract::{Body, Fields, Nothing, Parameters, Writing},
    permission,
    problem::Result,
};

/// Make an API key.
///
/// It asks in your name, within its scopes and what your role allows at the time. The key is in
/// this answer and never shown again; only a digest of it is kept. A retry with the same
/// `Idempotency-Key` is answered with the same key. An API key itself may not make another.
#[utoipa::path(
    post, path = "/api/v1/api-keys", tag = "api keys", request_body = CreateApiKey,
    responses((status = 201, description = "Made", body = CreatedApiKey)),
)]
pub(super) async fn create_api_key(
    State(app): State<App>,
    writing: Writing,
    Parameters(Nothing): Parameters<Nothing>,
    body: Body<CreateApiKey>,
) -> Result<Response> {
    let ask = writing.creation(&app, &body.bytes)?;
    let wanted = wanted(&writing, body.value)?;
    let id = ApiKeyId::new(ask.id);
    let (receipt, key) = app.identity.create_api_key(ask, wanted).await?;
    let state = answer::state(&receipt)?;
    let view = answer::api_key(&app, writing.tenant(), id, receipt.version, state).await;
    let view = view.map_err(|error| {
        error.after_storing(
            "The key was made, but cannot be shown now: send the same request with the same \
             Idempotency-Key, or revoke it and make another.",
        )
    })?;
    let key = key.expose_secret().to_owned();
    let location = format!("/api/v1/api-keys/{id}");
    let created = CreatedApiKey { key, view };
    Ok(answer::created(&app, &receipt, &location, &created))
}

fn wanted(writing: &Writing, body: CreateApiKey) -> Result<NewApiKey> {
    let role = writing.caller.0.role;
    let mut fields = Fields::default();
    let name = fields.name("/name", &body.name);
    for (at, scope) in body.scopes.iter().enumerate() {
        fields.take(format!("/scopes/{at}"), permission::grant(scope, role));
    }
    Ok(NewApiKey {
        expires_at: body.expires_at,
        name: fields.finish(name)?,
        owner: writing.caller.user(),
        scopes: body.scopes.into_iter().collect(),
    })
}
