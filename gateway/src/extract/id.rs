//! The id in a path.
//!
//! Invariant: a text that is no id belongs to no object, so it is answered like an unknown one.

use std::marker::PhantomData;

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use uuid::Uuid;

use crate::problem::{Error, Result};

/// The id of an object that a `T` names.
pub(crate) struct Id<T> {
    pub uuid: Uuid,
    kind: PhantomData<T>,
}

impl<T: From<Uuid>> Id<T> {
    /// As the type that the domain knows it by.
    pub fn typed(&self) -> T {
        T::from(self.uuid)
    }
}

impl<S: Send + Sync, T> FromRequestParts<S> for Id<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let unknown = |_| Error::not_found("object");
        let parameters = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(Error::internal)?;
        let id = parameters.iter().find(|(name, _)| *name == "id");
        let (_, text) = id.ok_or_else(|| Error::internal("the route has no id"))?;
        let uuid = text.parse().map_err(unknown)?;
        Ok(Self {
            uuid,
            kind: PhantomData,
        })
    }
}
