//! What goes wrong, as the client sees it: RFC 9457.
//!
//! Invariant: this is the only place that chooses a status for what is no success. What broke
//! inside is told to the log once, by the edge, and never to the client.

mod failed;
mod page;
mod rejected;
mod status;

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use schemas::api::{Code, FieldError, Problem};
use secrecy::{ExposeSecret as _, SecretString};

pub(crate) use page::{page, told};
pub(crate) use rejected::{Explain, policy, schedule};
pub(crate) use status::{of_slug, of_status, retryable, slug, status};

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request did not succeed.
#[derive(Clone, Debug)]
pub(crate) struct Error(Box<Refusal>);

/// The content of an [`Error`]; travels as an extension of the response to the edge, which knows
/// the request and writes the body.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// What broke, for the log only.
    pub cause: Option<String>,
    /// What the next step of a sign-in must be sent with.
    pub challenge: Option<SecretString>,
    pub code: Code,
    pub current_etag: Option<String>,
    pub detail: String,
    pub errors: Vec<FieldError>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Error {
    /// An error with what happened this time.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Refusal {
            cause: None,
            challenge: None,
            code,
            current_etag: None,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
        }))
    }

    /// A body that is wrong in these fields.
    pub fn invalid_body(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => one.detail.clone(),
            [one] => format!("{}: {}", one.pointer, one.detail),
            several => format!("{} fields are not valid; see errors", several.len()),
        };
        let mut error = Self::new(Code::InvalidBody, detail);
        error.0.errors = errors;
        error
    }

    /// A body that is wrong in one field.
    pub fn invalid_field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid_body(vec![FieldError {
            pointer: pointer.into(),
            detail: detail.into(),
        }])
    }

    /// A query parameter or header that is wrong.
    pub fn invalid_parameter(name: &str, detail: impl std::fmt::Display) -> Self {
        Self::new(Code::InvalidParameter, format!("{name}: {detail}"))
    }

    /// Something broke that the client cannot help.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        let detail = "Quote the request id to whoever runs this installation.";
        Self::new(Code::Internal, detail).caused_by(cause)
    }

    /// There is no such object.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no such {what}"))
    }

    /// The fields that are wrong; if none is named, what is wrong with all of it.
    pub fn fields(self) -> Vec<FieldError> {
        if !self.0.errors.is_empty() {
            return self.0.errors;
        }
        vec![FieldError {
            pointer: String::new(),
            detail: self.0.detail,
        }]
    }

    /// What sort of problem it is.
    pub const fn code(&self) -> Code {
        self.0.code
    }

    /// The same for what broke after something was stored, as `detail` says.
    pub fn after_storing(mut self, detail: &str) -> Self {
        detail.clone_into(&mut self.0.detail);
        self
    }

    /// The same, of a part of the body.
    pub fn within(mut self, part: &str) -> Self {
        for field in &mut self.0.errors {
            field.pointer.insert_str(0, part);
        }
        self
    }

    /// The same with what broke, for the log.
    pub fn caused_by(mut self, cause: impl std::fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// The same with what the next step of a sign-in must be sent with.
    pub fn with_challenge(mut self, challenge: SecretString) -> Self {
        self.0.challenge = Some(challenge);
        self
    }

    /// The same with the object's present version.
    pub fn with_etag(mut self, etag: String) -> Self {
        self.0.current_etag = Some(etag);
        self
    }

    /// The same with the advice to come back in so many seconds.
    pub fn with_retry_after(mut self, seconds: i64) -> Self {
        let value = HeaderValue::from(seconds);
        self.0.headers.push((header::RETRY_AFTER, value));
        self
    }

    /// The same with a header.
    pub fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.0.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// The same with the advice to come back in a second.
    pub fn with_retry(self) -> Self {
        self.with_retry_after(1)
    }

    #[cfg(test)]
    pub fn refusal(&self) -> &Refusal {
        &self.0
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        *error.0
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = status(self.0.code).into_response();
        for (name, value) in &self.0.headers {
            response.headers_mut().append(name, value.clone());
        }
        response.extensions_mut().insert(*self.0);
        response
    }
}

impl Refusal {
    /// The document that the client reads.
    pub fn problem(&self, instance: &str, request_id: String) -> Problem {
        Problem {
            about: format!("/problems/{}", slug(self.code)),
            title: self.code.title().to_owned(),
            status: status(self.code).as_u16(),
            code: self.code,
            detail: self.detail.clone(),
            instance: instance.to_owned(),
            request_id,
            retryable: retryable(self.code),
            errors: self.errors.clone(),
            current_etag: self.current_etag.clone(),
            challenge: (self.challenge.as_ref()).map(|text| text.expose_secret().to_owned()),
        }
    }
}
