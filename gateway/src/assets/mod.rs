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
    serve_of(Files::get, path, headers)
}

/// The same, of any set of files.
fn serve_of(
    get: impl Fn(&str) -> Option<EmbeddedFile>,
    path: &str,
    headers: &HeaderMap,
) -> Result<Response> {
    let name = path.trim_start_matches('/');
    let packed = [".br", ".gz"].iter().any(|end| name.ends_with(end));
    let is_file = !packed && get(name).is_some();
    let name = match (is_file, name.starts_with("assets/")) {
        (true, _) => name,
        (false, true) => {
            return Err(Error::new(Code::RouteNotFound, "there is no such file"));
        }
        (false, false) => "index.html",
    };
    let plain = get(name).ok_or_else(|| {
        let detail = "this program was built without its page; build that by `cargo xtask ui`, and \
            the program again";
        Error::new(Code::RouteNotFound, detail)
    })?;
    Ok(answer(get, name, &plain, headers))
}

fn answer(
    get: impl Fn(&str) -> Option<EmbeddedFile>,
    name: &str,
    plain: &EmbeddedFile,
    headers: &HeaderMap,
) -> Response {
    let (encoding, file) = encoding::accepted(headers)
        .find_map(|encoding| {
            let packed = format!("{name}{}", encoding.suffix()?);
            Some((encoding, get(&packed)?))
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;
    use http_body_util::BodyExt as _;

    /// What a built page looks like, in a folder of its own.
    fn built() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("assets")).expect("made");
        for (name, content) in [
            ("index.html", "<p>"),
            ("assets/ui-1f.js", "plain"),
            ("assets/ui-1f.js.br", "brotli"),
            ("assets/ui-1f.js.gz", "gzip"),
        ] {
            std::fs::write(folder.path().join(name), content).expect("written");
        }
        folder
    }

    async fn ask(path: &str, headers: &[(HeaderName, &str)]) -> Result<(Response, String)> {
        let folder = built();
        let get = |name: &str| rust_embed::utils::read_file_from_fs(&folder.path().join(name)).ok();
        let headers = headers.iter().map(|(name, value)| {
            let value = HeaderValue::from_str(value).expect("a value");
            (name.clone(), value)
        });
        let response = serve_of(get, path, &headers.collect())?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8(body.to_vec()).expect("text");
        Ok((Response::from_parts(parts, Body::empty()), text))
    }

    #[tokio::test]
    async fn files_are_packed_as_the_client_takes_them() {
        for (takes, encoding, content) in [
            ("br, gzip", Some("br"), "brotli"),
            ("gzip", Some("gzip"), "gzip"),
            ("identity", None, "plain"),
        ] {
            let headers = [(header::ACCEPT_ENCODING, takes)];
            let (response, body) = ask("/assets/ui-1f.js", &headers).await.expect("served");
            let sent = response.headers().get("content-encoding");
            assert_eq!(sent.map(|value| value.to_str().expect("text")), encoding);
            assert_eq!(body, content);
            assert_eq!(response.headers()["content-type"], "text/javascript");
            assert_eq!(response.headers()["cache-control"], FOR_EVER);
            let etag = response.headers()["etag"].to_str().expect("text");
            let known = [
                (header::IF_NONE_MATCH, etag),
                (header::ACCEPT_ENCODING, takes),
            ];
            let (again, body) = ask("/assets/ui-1f.js", &known).await.expect("served");
            assert_eq!(
                (again.status(), body.as_str()),
                (StatusCode::NOT_MODIFIED, "")
            );
        }
    }

    #[tokio::test]
    async fn every_other_path_is_the_page() {
        for path in ["/", "/tasks/1", "/index.html"] {
            let (response, body) = ask(path, &[]).await.expect("served");
            assert_eq!((response.status(), body.as_str()), (StatusCode::OK, "<p>"));
            assert_eq!(response.headers()["cache-control"], ASK_AGAIN);
        }
        for path in ["/assets/none.js", "/assets/ui-1f.js.br"] {
            let error = ask(path, &[]).await.expect_err("refused");
            assert_eq!(error.refusal().code, Code::RouteNotFound);
        }
    }
}
