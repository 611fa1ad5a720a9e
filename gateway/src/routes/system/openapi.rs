//! `GET /api/openapi.json`
//!
//! Invariant: the document is made from the routes that answer.

use std::sync::LazyLock;

use axum::{http::header, response::IntoResponse};
use bytes::Bytes;

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| crate::document::openapi().into());

/// This document.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "system",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json",
        body = Object)),
)]
pub(super) async fn openapi() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, DOCUMENT.clone())
}
