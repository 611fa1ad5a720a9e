//! Which pages of other origins may use the API from a browser.
//!
//! Invariant: those that are listed, letter by letter, and no other; an origin that is not is never
//! repeated in an answer.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use runtime::Origin;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser may remember what it was allowed.
const REMEMBERED: Duration = Duration::from_mins(10);
/// What such a page may send.
const SENT: [HeaderName; 8] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    HeaderName::from_static("consistency-token"),
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("prefer"),
];
/// What such a page may read.
const READ: [HeaderName; 13] = [
    header::ETAG,
    header::LINK,
    header::LOCATION,
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("consistency"),
    HeaderName::from_static("consistency-age-ms"),
    HeaderName::from_static("consistency-position"),
    HeaderName::from_static("consistency-token"),
    HeaderName::from_static("idempotent-replayed"),
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("request-id"),
];

/// Answers browsers of pages from `origins`; none if there are none.
pub(crate) fn layer(origins: &[Origin]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let listed = origins
        .iter()
        .map(|origin| HeaderValue::from_str(origin.as_str()));
    let methods = [
        Method::DELETE,
        Method::GET,
        Method::HEAD,
        Method::PATCH,
        Method::POST,
        Method::PUT,
    ];
    let layer = CorsLayer::new()
        .allow_credentials(true)
        .allow_headers(SENT)
        .allow_methods(methods)
        .allow_origin(AllowOrigin::list(listed.flatten()))
        .expose_headers(READ)
        .max_age(REMEMBERED);
    Some(layer)
}
