//! One request, as the operations describe it.
//!
//! Invariant: it holds all that sending it takes, so that it can be sent again.

use gloo_net::http::Method;
use serde::Serialize;

use super::ApiError;

/// One request.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<String>,
    pub(super) signed: bool,
}

impl Call {
    /// A read.
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            body: None,
            signed: true,
        }
    }

    /// A write with a body.
    pub(super) fn post(path: impl Into<String>, body: &impl Serialize) -> Result<Self, ApiError> {
        let body =
            serde_json::to_string(body).map_err(|error| ApiError::Unreadable(error.to_string()))?;
        Ok(Self {
            method: Method::POST,
            body: Some(body),
            ..Self::get(path)
        })
    }

    /// The same with PUT.
    pub(super) fn put(self) -> Self {
        Self {
            method: Method::PUT,
            ..self
        }
    }

    /// The same for someone who is not signed in yet.
    pub(super) fn unsigned(self) -> Self {
        Self {
            signed: false,
            ..self
        }
    }
}
