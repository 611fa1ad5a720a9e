//! The page's side of the HTTP API.
//!
//! Invariant: [`http`] is the one file that knows HTTP; everybody else calls a function per
//! operation and meets values of `schemas::api` or an [`ApiError`].

mod call;
mod calls;
mod deadline;
mod error;
mod http;

pub use calls::{Collection, provider_sign_in};
pub use error::ApiError;
pub use http::Client;
