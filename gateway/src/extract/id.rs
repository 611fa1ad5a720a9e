//! The id in a path.
//!
//! Invariant: a text that is no id belongs to no object, so it is answered like an unknown one.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use uuid::Uuid;

use crate::problem::{Error, Result};

/// The `{id}` of the route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Id(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let parameters = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(Error::internal)?;
        let id = parameters.iter().find(|(name, _)| *name == "id");
        let (_, text) = id.ok_or_else(|| Error::internal("the route has no id"))?;
        let unknown = |_| Error::not_found("object: its id is a UUID");
        text.parse().map(Self).map_err(unknown)
    }
}
