//! The worker as a part.
//!
//! Invariant: it needs the log and nothing else.

use ::scheduler::worker::{self, Services};
use anyhow::Result;
use event_log::{Presence, WorkQueue};
use tokio_util::sync::CancellationToken;

use super::Ground;

/// Works on tasks.
pub async fn run(ground: &Ground, shutdown: CancellationToken) -> Result<()> {
    let services = Services {
        clock: ground.clock.clone(),
        commands: ground.commands.clone(),
        config: ground.config.worker.clone(),
        ids: ground.ids.clone(),
        log_level: ground.config.task_logs.level,
        logs: ground.task_logs().await?,
        presence: Presence::of_workers(&ground.log).await?,
        work: WorkQueue::new(&ground.log),
    };
    Ok(worker::run(services, shutdown).await?)
}
