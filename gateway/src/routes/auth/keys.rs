//! `GET /.well-known/jwks.json`
//!
//! Invariant: public halves only. A key is listed for longer before it signs than anybody may
//! remember this answer.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::{
    app::App,
    extract::{Nothing, Parameters},
};

/// List the public keys of access tokens.
///
/// A JSON Web Key Set (RFC 7517): the key that signs, the next, and those whose tokens have not
/// ended yet. Keys rotate at least every 90 days; whoever meets an unknown `kid` asks again.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "auth",
    responses((status = 200, description = "The keys", body = Object)),
)]
pub(super) async fn list_keys(
    State(app): State<App>,
    Parameters(Nothing): Parameters<Nothing>,
) -> Response {
    let remembered = [(header::CACHE_CONTROL, "public, max-age=60")];
    (remembered, Json(app.identity.public_keys())).into_response()
}
