//! What a reply means, and what is kept of it.
//!
//! Invariant: no reply takes more memory than [`REPLY_MAX`], however much comes; the log keeps no
//! more than [`BODY_MAX`] of it.

use std::collections::BTreeMap;

use domain::task::TaskError;
use reqwest::{Response, StatusCode, header::HeaderMap};
use serde_json::json;

use crate::handlers::{
    Outcome, error,
    text::{head, printable},
};

/// How much of a reply is read, in bytes.
const REPLY_MAX: usize = 1024 * 1024;
/// How much of a reply the task's output holds, in bytes of JSON.
pub(super) const BODY_MAX: usize = 64 * 1024;
/// The headers that the task's output holds.
const KEPT: [&str; 7] = [
    "content-length",
    "content-type",
    "date",
    "etag",
    "last-modified",
    "location",
    "server",
];

/// Reads `response` and judges it: any 2xx is a success, or only `expect_status` if given.
pub async fn read(mut response: Response, expect_status: Option<u16>) -> Outcome {
    let status = response.status();
    let headers = response.headers().clone();
    let mut body: Vec<u8> = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                if body.len() + chunk.len() > REPLY_MAX {
                    return Outcome::fail("reply_too_large", "the reply is larger than 1 MiB");
                }
                body.extend_from_slice(&chunk);
            }
            Ok(None) => break,
            Err(reason) => return super::failed(&reason),
        }
    }
    let expected = match expect_status {
        Some(wanted) => status.as_u16() == wanted,
        None => status.is_success(),
    };
    if expected {
        Outcome::Done(output(status, &headers, &body))
    } else {
        unexpected(status, &headers)
    }
}

fn output(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> serde_json::Value {
    let kept: BTreeMap<_, _> = KEPT
        .iter()
        .filter_map(|name| Some((*name, printable(headers.get(*name)?.as_bytes()))))
        .collect();
    let (body, truncated) = head(body, BODY_MAX);
    json!({
        "status": status.as_u16(),
        "headers": kept,
        "body": body,
        "truncated": truncated,
    })
}

/// The other side's fault may pass; ours does not.
fn unexpected(status: StatusCode, headers: &HeaderMap) -> Outcome {
    let passes = status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT;
    let found = error(
        "unexpected_status",
        format!("the reply was {status}"),
        passes,
    );
    if passes {
        Outcome::Retry(TaskError {
            retry_after_ms: retry_after_ms(headers),
            ..found
        })
    } else {
        Outcome::Fail(found)
    }
}

/// `Retry-After` in its form of seconds; as a date it needs a clock that agrees with theirs.
pub fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let seconds: u64 = headers.get("retry-after")?.to_str().ok()?.parse().ok()?;
    seconds.checked_mul(1_000)
}
