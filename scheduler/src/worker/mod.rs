//! Makes attempts: takes them from the queue, claims each in the log, runs its handler, and commits
//! how it ended.
//!
//! Invariant: nothing is acted on that the log did not grant, and an attempt that was granted ends
//! with a commit of its worker, or with the next worker's word that this one was lost.

mod attempt;
mod cancels;
mod claim;
mod conclude;
mod delivery;
pub(crate) mod fairness;
mod hands;
mod pool;

use std::{sync::Arc, time::Duration};

use commands::Commands;
use domain::Actor;
use event_log::WorkQueue;
use runtime::{Clock, Ids};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

use crate::handlers::Handlers;
use cancels::Cancels;
use hands::Hands;
use pool::Pool;

/// How long a handler that was asked to stop may take before it is ended by force.
pub const STOP_GRACE: Duration = Duration::from_secs(10);
/// How often the queue is told that an attempt is still being made, and the log is asked whether it
/// still is this worker's.
pub const HEARTBEAT: Duration = Duration::from_secs(10);

/// What the worker stands on.
#[derive(Clone)]
pub struct Services {
    /// What time it is.
    pub clock: Clock,
    /// The way to change anything.
    pub commands: Commands,
    /// How much it takes on, and what it may do.
    pub config: runtime::Worker,
    /// Where its name and its commands' ids come from.
    pub ids: Ids,
    /// Where attempts wait.
    pub work: WorkQueue,
}

/// Why the worker cannot run at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No HTTP client can be made.
    #[error("no HTTP client can be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// What all attempts of this worker share.
struct Shared {
    cancels: Cancels,
    clock: Clock,
    commands: Commands,
    /// What is still being told to the queue.
    deliveries: TaskTracker,
    /// Cancelled when attempts that still run must be handed back.
    draining: CancellationToken,
    handlers: Handlers,
    hands: Hands,
    ids: Ids,
    name: String,
    work: WorkQueue,
}

impl Shared {
    /// Who signs this worker's commits.
    fn actor() -> Actor {
        Actor::System("worker".to_owned())
    }
}

/// Works until `shutdown`, then lets running attempts end for as long as the configuration says and
/// hands the others back.
pub async fn run(services: Services, shutdown: CancellationToken) -> Result<(), RunError> {
    let shared = Arc::new(Shared {
        cancels: Cancels::default(),
        clock: services.clock,
        commands: services.commands,
        deliveries: TaskTracker::new(),
        draining: CancellationToken::new(),
        handlers: Handlers::try_new(&services.config)?,
        hands: Hands::default(),
        name: format!("worker-{}", services.ids.next()),
        ids: services.ids,
        work: services.work.clone(),
    });
    tracing::info!(worker = %shared.name, concurrency = services.config.concurrency, "works");
    let listening = cancels::listen(services.work.clone(), Arc::clone(&shared));
    let _listening = AbortOnDropHandle::new(tokio::spawn(listening));
    let answering = hands::answer(services.work.clone(), Arc::clone(&shared));
    let _answering = AbortOnDropHandle::new(tokio::spawn(answering));
    let drain = Duration::from_millis(services.config.drain_ms);
    let pool = Pool::new(services.work, shared, services.config.concurrency);
    pool.run(&shutdown, drain).await;
    Ok(())
}
