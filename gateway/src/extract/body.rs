//! JSON bodies.
//!
//! Invariant: what decodes is small, not deeply nested, storable, and has no field that the
//! operation does not know; what does not decode is refused with a pointer to what is wrong.

use std::time::Duration;

use axum::{
    body::HttpBody as _,
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderName, header},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use schemas::api::Code;
use serde::{Serialize, de::DeserializeOwned};
use serde_path_to_error::Segment;

use super::{ignored, json};
use crate::{
    app::App,
    problem::{Error, Result},
};

/// The most bytes a body may have.
const SIZE_MAX: usize = 256 * 1024;
/// The most bytes a body of many objects may have.
const LARGE_MAX: usize = 4 * 1024 * 1024;
/// How much of a body that is too large is read and thrown away, in bytes.
const DRAINED_MAX: usize = 8 * 1024 * 1024;
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// A body of many objects.
pub(crate) type LargeBody<T> = Body<T, LARGE_MAX>;

/// A body that must be there.
pub(crate) struct Body<T, const MAX: usize = SIZE_MAX> {
    /// As it was sent, to tell a retry from another request.
    pub bytes: Bytes,
    pub value: T,
}

/// A body that may be left out.
pub(crate) struct OptionalBody<T> {
    pub bytes: Bytes,
    pub value: T,
}

/// A merge patch (RFC 7396).
pub(crate) struct Patch<T> {
    pub bytes: Bytes,
    pub value: T,
}

impl<T: DeserializeOwned + Serialize, const MAX: usize> FromRequest<App> for Body<T, MAX> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        check_type(request.headers(), &[JSON])
            .map_err(|error| error.with_header(header::ACCEPT, JSON))?;
        let bytes = read(request, MAX, app).await?;
        let value = decode(&bytes)?;
        Ok(Self { bytes, value })
    }
}

impl<T: DeserializeOwned + Serialize + Default> FromRequest<App> for OptionalBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        if request.body().is_end_stream() {
            return Ok(Self {
                bytes: Bytes::new(),
                value: T::default(),
            });
        }
        let Body { bytes, value } = Body::<T>::from_request(request, app).await?;
        Ok(Self { bytes, value })
    }
}

impl<T: DeserializeOwned + Serialize> FromRequest<App> for Patch<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        check_type(request.headers(), &[MERGE_PATCH, JSON])
            .map_err(|error| error.with_header(ACCEPT_PATCH, MERGE_PATCH))?;
        let bytes = read(request, SIZE_MAX, app).await?;
        let value = decode(&bytes)?;
        Ok(Self { bytes, value })
    }
}

fn check_type(headers: &HeaderMap, accepted: &[&'static str]) -> Result<()> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let sent = text(header::CONTENT_TYPE).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim();
    let fits = |wanted: &&str| essence.eq_ignore_ascii_case(wanted);
    let accepts = accepted.join(" or ");
    if !accepted.iter().any(fits) {
        return Err(Error::new(
            Code::UnsupportedMediaType,
            format!("send the body with Content-Type: {accepts}"),
        ));
    }
    match text(header::CONTENT_ENCODING) {
        None | Some("identity") => Ok(()),
        Some(_) => Err(Error::new(
            Code::UnsupportedMediaType,
            "send the body without Content-Encoding",
        )),
    }
}

/// Reads a body to its end, also when it is too large: a connection that is closed with unread
/// bytes is reset, and the client may never see the answer.
async fn read(request: Request, most: usize, app: &App) -> Result<Bytes> {
    let too_large = || {
        let detail = format!("a body has at most {most} bytes");
        Error::new(Code::BodyTooLarge, detail)
    };
    let mut body = Limited::new(request.into_body(), DRAINED_MAX);
    let arrival = async {
        let (mut bytes, mut size) = (Vec::new(), 0);
        while let Some(frame) = body.frame().await {
            let frame = frame?;
            if let Some(data) = frame.data_ref() {
                size += data.len();
                if size <= most {
                    bytes.extend_from_slice(data);
                }
            }
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((bytes, size))
    };
    let within_ms = app.config.body_within_ms.get();
    let within = Duration::from_millis(within_ms.into());
    match tokio::time::timeout(within, arrival).await {
        Ok(Ok((bytes, size))) if size <= most => Ok(bytes.into()),
        Ok(Ok(_)) => Err(too_large()),
        Ok(Err(reason)) if reason.is::<LengthLimitError>() => {
            Err(too_large().with_header(header::CONNECTION, "close"))
        }
        Ok(Err(_)) => Err(Error::new(Code::InvalidBody, "the body broke off")),
        Err(_) => {
            let detail = format!("the body did not arrive within {within_ms} ms");
            let error = Error::new(Code::InvalidBody, detail);
            Err(error.with_header(header::CONNECTION, "close"))
        }
    }
}

fn decode<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T> {
    let text = std::str::from_utf8(bytes).map_err(|reason| {
        let at = reason.valid_up_to();
        Error::invalid_field("", format!("the body is not UTF-8 at byte {at}"))
    })?;
    json::check(text).map_err(|flaw| Error::invalid_field(flaw.pointer, flaw.detail))?;
    // Decoders would take an array for an object, field by field.
    if !text.trim_start().starts_with('{') {
        return Err(Error::invalid_field("", "the body must be a JSON object"));
    }
    let mut decoder = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut decoder).map_err(|reason| {
        let pointer = pointer(reason.path());
        Error::invalid_field(pointer, reason.inner().to_string())
    })?;
    let trailing = |reason: serde_json::Error| Error::invalid_field("", reason.to_string());
    decoder.end().map_err(trailing)?;
    match ignored::field(text, &value).map_err(trailing)? {
        None => Ok(value),
        Some(pointer) => Err(Error::invalid_field(pointer, "unknown field")),
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    path.iter().fold(String::new(), |pointer, segment| {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => json::escaped(key),
            // Not part of the document: how a type is told, or nothing known.
            Segment::Enum { .. } | Segment::Unknown => return pointer,
        };
        pointer + "/" + &part
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::api::{CreateJob, CreateTask};

    fn errors<T: DeserializeOwned + Serialize>(text: &str) -> Vec<(String, String)> {
        let Err(error) = decode::<T>(text.as_bytes()) else {
            panic!("accepted: {text}");
        };
        assert_eq!(error.refusal().code, Code::InvalidBody);
        let errors = error.refusal().errors.iter();
        errors
            .map(|one| (one.pointer.clone(), one.detail.clone()))
            .collect()
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        for (text, pointer, says) in [
            (r#"{"kind":5}"#, "/kind", "expected a string"),
            (
                r#"{"kind":"a","payload":1e400}"#,
                "/payload",
                "number out of range",
            ),
            (
                r#"{"kind":"a","max_attempts":-1}"#,
                "/max_attempts",
                "expected u32",
            ),
            (
                r#"{"kind":"a","colour":1}"#,
                "/colour",
                "unknown field `colour`",
            ),
            (r"{}", "", "missing field `kind`"),
            (r#"["echo"]"#, "", "must be a JSON object"),
            (r#"{"kind":"a"} x"#, "", "trailing characters"),
            (r#"{"kind":"a""#, "", "EOF"),
            (
                r#"{"kind":"a","payload":{"x":"\u0000"}}"#,
                "/payload/x",
                "NUL",
            ),
        ] {
            let found = errors::<CreateTask>(text);
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].0, pointer, "{text}: {found:?}");
            assert!(found[0].1.contains(says), "{text}: {found:?}");
        }
        for (every, pointer) in [
            (r#""every_ms":"x""#, "/schedule"),
            (r#""every_ms":1,"colour":null"#, "/schedule/colour"),
        ] {
            let schedule = format!(r#"{{"type":"interval",{every}}}"#);
            let job = format!(r#"{{"name":"n","schedule":{schedule},"task":{{"kind":"a"}}}}"#);
            assert_eq!(errors::<CreateJob>(&job)[0].0, pointer);
        }
        assert_eq!(errors::<CreateTask>("{\"kind\":\"a\0\"}").len(), 1);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert!(decode::<CreateTask>(b"{\"kind\":\"\xff\"}").is_err());
        assert!(decode::<CreateTask>(b"").is_err());
    }
}
