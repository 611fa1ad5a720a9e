//! The projector as a part.
//!
//! Invariant: it migrates nothing; that is `almanac setup`. Where cores are short, commands and due
//! slots go first: a read says which position it reflects, a late slot is just late.

use ::projections::Writer;
use anyhow::Result;
use tokio_util::sync::CancellationToken;

use super::Ground;

/// Keeps the read models and the audit's rows up to date.
pub async fn run(ground: &Ground, writer: Writer, shutdown: CancellationToken) -> Result<()> {
    let (log, audit_log) = (ground.shared_log(), ground.audit_log().await?);
    let (audit_writer, until) = (writer.clone(), shutdown.clone());
    let projecting = move || async move {
        let models = ::projections::run(log, writer, shutdown);
        let audit = ::projections::audit::run(audit_log, audit_writer, until);
        tokio::try_join!(models, audit).map(drop)
    };
    Ok(runtime::in_background("projector", projecting).await??)
}
