//! What a path names.
//!
//! Invariant: a text that names no object is answered like the name of an unknown one.

use axum::{
    extract::{
        FromRequestParts, RawPathParams,
        rejection::RawPathParamsRejection::{self, InvalidUtf8InPathParam},
    },
    http::request::Parts,
};
use uuid::Uuid;

use crate::problem::{Error, Result};

/// The `{id}` of the route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Id(pub Uuid);

/// The one segment that the route leaves open, decoded.
#[derive(Clone, Debug)]
pub(crate) struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Segment(text) = Segment::from_request_parts(parts, state).await?;
        let unknown = |_| Error::not_found("object: its id is a UUID");
        text.parse().map(Self).map_err(unknown)
    }
}

/// The `{id}` of the route and the other segment that it leaves open, decoded.
#[derive(Clone, Debug)]
pub(crate) struct IdAndName(pub Uuid, pub String);

impl<S: Send + Sync> FromRequestParts<S> for IdAndName {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Id(id) = Id::from_request_parts(parts, state).await?;
        let path = RawPathParams::from_request_parts(parts, state).await;
        let path = path.map_err(Error::internal)?;
        let name = path.iter().nth(1).map(|(_, name)| name.to_owned());
        let name = name.ok_or_else(|| Error::internal("the route leaves one segment open"))?;
        Ok(Self(id, name))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let path = RawPathParams::from_request_parts(parts, state).await;
        let path = path.map_err(|reason: RawPathParamsRejection| match reason {
            InvalidUtf8InPathParam(_) => Error::not_found("object: its name is not UTF-8"),
            other => Error::internal(other),
        })?;
        let (_, text) = path
            .iter()
            .next()
            .ok_or_else(|| Error::internal("the route leaves no segment open"))?;
        Ok(Self(text.to_owned()))
    }
}
