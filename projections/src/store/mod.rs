//! The ways to Postgres: one type for each kind of process, as there is one role for each.
//!
//! Invariant: what a type cannot do its role may not do either, and connecting checks that. Reads
//! end within seconds, also if Postgres hangs, and a connection that broke since its last use costs
//! a read one retry, not an error.

mod access;
mod error;
mod overview;
mod owner;
mod place;
mod tenants;
#[cfg(test)]
mod tests;
mod writer;

use std::time::Duration;

pub(crate) use access::Access;
pub(crate) use place::Place;

pub use access::ConnectError;
pub use error::StoreError;
pub(crate) use error::class;
pub use overview::Overview;
pub use owner::Owner;
pub use tenants::Store;
pub use writer::Writer;

/// How long to wait for a read: a Postgres that hangs does not even refuse.
const READ_LIMIT: Duration = Duration::from_secs(6);

/// What `reading` answers, if it does within `limit`.
async fn in_time<T>(
    limit: Duration,
    reading: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(limit, reading).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(StoreError::Unavailable("Postgres does not answer".into())),
    }
}
