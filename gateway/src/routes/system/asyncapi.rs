//! `GET /api/asyncapi.json`
//!
//! Invariant: the document is made from the types that are told.

use std::sync::LazyLock;

use axum::{http::header, response::IntoResponse};
use bytes::Bytes;

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| crate::document::asyncapi().into());

/// What is told by the live streams, as an `AsyncAPI` document.
#[utoipa::path(
    get, path = "/api/asyncapi.json", tag = "system",
    responses((status = 200, description = "AsyncAPI 3.0", content_type = "application/json",
        body = Object)),
)]
pub(super) async fn asyncapi() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, DOCUMENT.clone())
}
