//! The scheduler as a part.
//!
//! Invariant: any number of them may run; one leads.

use ::scheduler::Services;
use anyhow::Result;
use event_log::{Leases, Presence, WorkQueue};
use projections::Overview;
use tokio_util::sync::CancellationToken;

use super::Ground;

/// Turns due jobs into tasks and hands out what is to be done.
pub async fn run(ground: &Ground, overview: Overview, shutdown: CancellationToken) -> Result<()> {
    let services = Services {
        clock: ground.clock.clone(),
        commands: ground.commands.clone(),
        config: ground.config.scheduler.clone(),
        leased: Presence::of_leased(&ground.log).await?,
        leases: Leases::open(&ground.log).await?,
        log: ground.shared_log(),
        overview,
        work: WorkQueue::new(&ground.log),
        workers: Presence::of_workers(&ground.log).await?,
    };
    Ok(::scheduler::run(services, shutdown).await?)
}
