//! What is said in return.
//!
//! Invariant: what a write answers and what a read shows later come from the same function of the
//! same state; both say the position that they reflect, and a read says how old it may be, and so
//! if commits of what it shows are parked.

mod page;
mod view;

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use commands::Receipt;
use projections::{At, Row};
use schemas::Version;
use serde::Serialize;

use crate::{
    app::App,
    audit,
    extract::{Reading, token},
    problem::{Error, Result},
};

pub(crate) use page::{each, listed};
pub(crate) use view::{api_key, job, operation, resource, resource_type, task, tenant, user};

const CONSISTENCY: HeaderName = HeaderName::from_static("consistency");
const CONSISTENCY_AGE_MS: HeaderName = HeaderName::from_static("consistency-age-ms");
const CONSISTENCY_POSITION: HeaderName = HeaderName::from_static("consistency-position");
const CONSISTENCY_TOKEN: HeaderName = HeaderName::from_static("consistency-token");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The `ETag` of a version.
pub(crate) fn etag(version: Version) -> String {
    format!("\"{version}\"")
}

/// The state after a write that succeeded.
pub(crate) fn state<A: Clone>(receipt: &Receipt<A>) -> Result<A> {
    let state = receipt.state.clone();
    state.ok_or_else(|| Error::internal("a write left no state"))
}

/// The answer to a write, with the object as it is now.
pub(crate) fn written<A>(
    app: &App,
    receipt: &Receipt<A>,
    status: StatusCode,
    view: &impl Serialize,
) -> Response {
    let headers = write_headers(app, receipt);
    (status, headers, Json(view)).into_response()
}

/// The answer to a write that made the object at `location`.
pub(crate) fn created<A>(
    app: &App,
    receipt: &Receipt<A>,
    location: &str,
    view: &impl Serialize,
) -> Response {
    let mut response = written(app, receipt, StatusCode::CREATED, view);
    insert(response.headers_mut(), header::LOCATION, location);
    response
}

/// The answer to a put of the object at `location`. It has made the object, or replays the put that
/// did, if the state is the `first` that the object had.
pub(crate) fn put<A>(
    app: &App,
    receipt: &Receipt<A>,
    first: bool,
    location: &str,
    view: &impl Serialize,
) -> Response {
    if first && (receipt.changed || receipt.replayed) {
        created(app, receipt, location, view)
    } else {
        written(app, receipt, StatusCode::OK, view)
    }
}

/// The answer to a write after which the object is gone.
pub(crate) fn deleted<A>(app: &App, receipt: &Receipt<A>) -> Response {
    (StatusCode::NO_CONTENT, write_headers(app, receipt)).into_response()
}

/// The answer to a read of one object that is looked up; what it is called if there is none.
pub(crate) fn one<A: Clone, T: Serialize>(
    app: &App,
    reading: &Reading,
    found: At<Option<Row<A>>>,
    what: &str,
    view: fn(Row<A>) -> T,
) -> Result<Response> {
    reading.holds(&found, found.value.is_some())?;
    let row = found.value.clone().ok_or_else(|| Error::not_found(what))?;
    let version = row.version;
    Ok(self::found(
        app,
        reading,
        version,
        &found.map(|_| view(row)),
    ))
}

/// The answer to a read of one object; without its body if the client has it.
pub(crate) fn found<T: Serialize>(
    app: &App,
    reading: &Reading,
    version: Version,
    view: &At<T>,
) -> Response {
    let mut headers = read_headers(app, view);
    insert(&mut headers, header::ETAG, &etag(version));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, private"),
    );
    if reading.has(version) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, Json(&view.value)).into_response()
}

/// The answer to a read of what has no version.
pub(crate) fn shown<T: Serialize>(app: &App, view: &At<T>) -> Response {
    (read_headers(app, view), Json(&view.value)).into_response()
}

/// What every answer to a read says besides its body.
pub(crate) fn read_headers<T>(app: &App, view: &At<T>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let position = view.position.to_string();
    insert(&mut headers, CONSISTENCY_POSITION, &position);
    insert(&mut headers, CONSISTENCY_TOKEN, &token(app, view.position));
    if let Some(age) = app.log_end.age(view.position) {
        let age_ms = age.as_micros().div_ceil(1_000).to_string();
        insert(&mut headers, CONSISTENCY_AGE_MS, &age_ms);
    }
    if view.stale_since.is_some() {
        insert(&mut headers, CONSISTENCY, "stale");
    }
    headers
}

/// What every answer to a write says besides its body.
pub(crate) fn write_headers<A>(app: &App, receipt: &Receipt<A>) -> HeaderMap {
    audit::ran(receipt);
    let mut headers = HeaderMap::new();
    insert(&mut headers, header::ETAG, &etag(receipt.version));
    insert(
        &mut headers,
        CONSISTENCY_TOKEN,
        &token(app, receipt.position),
    );
    if receipt.replayed {
        insert(&mut headers, IDEMPOTENT_REPLAYED, "true");
    }
    headers
}

/// All values here are made of visible ASCII, which always fits a header.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
