//! The projector as a part.
//!
//! Invariant: it migrates nothing; that is `almanac setup`.

use ::projections::Store;
use anyhow::Result;
use tokio_util::sync::CancellationToken;

use super::Ground;

/// Keeps the read models up to date.
pub async fn run(ground: &Ground, store: Store, shutdown: CancellationToken) -> Result<()> {
    Ok(::projections::run(ground.shared_log(), store, shutdown).await?)
}
