//! Who acts when nobody asks: the scheduler, which turns due slots into tasks and hands attempts
//! out, and the worker, which makes them.
//!
//! - [`run`] leads or stands by. The leader knows all active jobs and open tasks, holds one timer
//!   for everything that is due, decides each slot by one commit, and keeps the work queue filled.
//! - [`worker::run`] takes attempts from the queue, claims each in the log, runs its handler and
//!   commits how it ended.
//!
//! Invariant: nothing here is the truth. Whoever acts twice, too late or without knowing that
//! another has taken over, is refused by the log, and what was owed is found again from the log.
//!
//! To add a kind of task: write its file in [`handlers`] (payload, run, tests) and list it there.

mod admission;
mod backoff;
mod dispatch;
mod feed;
mod fire;
pub mod handlers;
mod index;
mod leader;
mod misfire;
mod operate;
mod release;
mod replace;
pub mod report;
pub mod simulation;
mod term;
mod ticks;
mod timer;
pub mod worker;

use commands::Commands;
use event_log::{Leases, Presence, SharedLog, WorkQueue};
use projections::Overview;
use runtime::Clock;
use tokio_cron_scheduler::JobSchedulerError;
use tokio_util::sync::CancellationToken;

use ticks::Ticks;

/// What the scheduler stands on.
#[derive(Clone)]
pub struct Services {
    /// What time it is.
    pub clock: Clock,
    /// The way to change anything.
    pub commands: Commands,
    /// How slots are caught up.
    pub config: runtime::Scheduler,
    /// Which attempts are made outside of Almanac.
    pub leased: Presence,
    /// Who leads.
    pub leases: Leases,
    /// What happened.
    pub log: SharedLog,
    /// Where to begin.
    pub overview: Overview,
    /// Where attempts wait for workers.
    pub work: WorkQueue,
    /// Which workers are there.
    pub workers: Presence,
}

/// Why the scheduler cannot run at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its own ticks do not start.
    #[error("the system ticks do not start: {0}")]
    Ticks(#[from] JobSchedulerError),
}

/// Leads, or stands by to lead, until `shutdown`. Outages of the log and of the read models are
/// waited out.
pub async fn run(services: Services, shutdown: CancellationToken) -> Result<(), RunError> {
    // What it awaits adds up to a future too large to be passed around.
    Box::pin(serve(services, shutdown)).await
}

async fn serve(services: Services, shutdown: CancellationToken) -> Result<(), RunError> {
    let instance = services.commands.ids().next().to_string();
    let (ticks, _heart) = Ticks::start().await?;
    while let Some(mut lease) =
        leader::lead(&services.leases, &instance, &ticks.lease, &shutdown).await
    {
        let ended = shutdown.child_token();
        let leading = term::run(&services, &ticks, &ended);
        let holding = leader::hold(&mut lease, &ticks.lease);
        tokio::select! {
            () = leading => {}
            reason = holding => {
                ended.cancel();
                tracing::warn!(reason, "the scheduler's lease is lost: standing by");
            }
        }
        leader::release(lease).await;
    }
    Ok(())
}
