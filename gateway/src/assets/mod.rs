//! The page, from inside the binary.
//!
//! Invariant: a file under `/assets/` has its content's hash in its name and is kept by browsers
//! for ever; everything else is asked for anew each time.

mod encoding;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};
use schemas::api::Code;

use crate::problem::{Error, Result};
use encoding::Encoding;

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

#[derive(RustEmbed)]
#[folder = "../ui/dist/"]
#[allow_missing = true]
struct Files;

/// The file at `path`, or the page, which knows all other paths.
pub(crate) fn serve(path: &str, headers: &HeaderMap) -> Result<Response> {
    let name = path.trim_start_matches('/');
    let packed = [".br", ".gz"].iter().any(|end| name.ends_with(end));
    let is_file = !packed && Files::get(name).is_some();
    let name = match (is_file, name.starts_with("assets/")) {
        (true, _) => name,
        (false, true) => {
            return Err(Error::new(Code::RouteNotFound, "there is no such file"));
        }
        (false, false) => "index.html",
    };
    let plain = Files::get(name).ok_or_else(|| {
        let detail = "this program was built without its page; build that by `cargo xtask ui`, and \
            the program again";
        Error::new(Code::RouteNotFound, detail)
    })?;
    Ok(answer(name, &plain, headers))
}

fn answer(name: &str, plain: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let (encoding, file) = encoding::accepted(headers)
        .find_map(|encoding| {
            let packed = format!("{name}{}", encoding.suffix()?);
            Some((encoding, Files::get(&packed)?))
        })
        .unwrap_or((Encoding::Identity, plain.clone()));
    let caching = if name.starts_with("assets/") {
        FOR_EVER
    } else {
        ASK_AGAIN
    };
    let etag = etag(plain, encoding);
    let mut answer = HeaderMap::new();
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        answer.insert(header::ETAG, etag);
    }
    let known = headers.get(header::IF_NONE_MATCH);
    let known = known
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if known.split(',').any(|one| one.trim() == etag) {
        return (StatusCode::NOT_MODIFIED, answer).into_response();
    }
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    if let Ok(kind) = HeaderValue::from_str(kind.as_ref()) {
        answer.insert(header::CONTENT_TYPE, kind);
    }
    if let Some(word) = encoding.word() {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static(word));
    }
    (answer, Body::from(file.data)).into_response()
}

/// Each encoding of a file is a representation of its own (RFC 9110 §8.8.3).
fn etag(plain: &EmbeddedFile, encoding: Encoding) -> String {
    let hash = plain.metadata.sha256_hash();
    let hash = hash
        .iter()
        .take(12)
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    match encoding.word() {
        Some(word) => format!("\"{hash}-{word}\""),
        None => format!("\"{hash}\""),
    }
}
