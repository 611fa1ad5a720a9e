//! The projector as a part.
//!
//! Invariant: it migrates nothing; that is `almanac setup`. Where cores are short, commands and due
//! slots go first: a read says which position it reflects, a late slot is just late.

use ::projections::Writer;
use anyhow::Result;
use tokio_util::sync::CancellationToken;

use super::Ground;

/// Keeps the read models up to date.
pub async fn run(ground: &Ground, writer: Writer, shutdown: CancellationToken) -> Result<()> {
    let log = ground.shared_log();
    let projecting = move || ::projections::run(log, writer, shutdown);
    Ok(runtime::in_background("projector", projecting).await??)
}
