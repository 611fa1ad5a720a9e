//! Asking an issuer over HTTP.
//!
//! Invariant: no answer takes longer than [`WITHIN`] or is read beyond [`BYTES_MAX`]; no redirect
//! is followed, so a secret goes to nobody but the address that the issuer names.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};

use super::Failed;

/// How long an issuer may take to be connected to.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// How long an answer may take as a whole.
const WITHIN: Duration = Duration::from_secs(5);
/// The most bytes that an answer may have.
const BYTES_MAX: usize = 256 * 1024;

/// A client that follows nothing and waits for nobody.
pub(super) fn client() -> Result<Client, Failed> {
    Client::builder()
        .connect_timeout(CONNECT_WITHIN)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .timeout(WITHIN)
        .user_agent(concat!("almanac/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|reason| failed(&reason))
}

/// The answer to `request`, read to its end.
pub(super) async fn ask(request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), Failed> {
    let request = request.header("accept", "application/json");
    let mut response = request.send().await.map_err(|reason| failed(&reason))?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|reason| failed(&reason))? {
        if body.len() + chunk.len() > BYTES_MAX {
            return Err(Failed::Issuer(format!(
                "its answer has more than {BYTES_MAX} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status(), body))
}

/// The innermost cause says most; the outer ones repeat the address.
fn failed(reason: &reqwest::Error) -> Failed {
    let first: &dyn std::error::Error = reason;
    let last = std::iter::successors(Some(first), |cause| cause.source()).last();
    Failed::Issuer(last.map_or_else(String::new, ToString::to_string))
}
