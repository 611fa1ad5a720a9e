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
mod presence;
mod unserved;

use std::{sync::Arc, time::Duration};

use commands::Commands;
use domain::{Actor, LogLevel};
use event_log::{APART, Presence, TaskLogs, WorkQueue};
use futures::future::join_all;
use runtime::{Clock, Ids};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

use crate::{
    handlers::{Handlers, Means},
    report::LogWriter,
};
use cancels::Cancels;
use hands::Hands;
use pool::Pool;
use presence::About;

/// How long a handler that was asked to stop may take before it is ended by force.
pub const STOP_GRACE: Duration = Duration::from_secs(10);
/// How often the queue is told that an attempt is still being made, and the log is asked whether it
/// still is this worker's.
pub const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long it may take to say that this worker is gone.
const LAST_WORDS: Duration = Duration::from_secs(1);

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
    /// From which level up it is kept what attempts say.
    pub log_level: LogLevel,
    /// Where that is kept.
    pub logs: TaskLogs,
    /// What its handlers may use.
    pub means: Means,
    /// Where it says that it is there.
    pub presence: Presence,
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
    /// Cancelled when nothing runs any more.
    gone: CancellationToken,
    handlers: Handlers,
    hands: Hands,
    ids: Ids,
    logs: LogWriter,
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
    let handlers = Handlers::try_new(
        &services.config,
        &services.clock,
        &services.commands,
        services.means,
    );
    let shared = Arc::new(Shared {
        cancels: Cancels::default(),
        clock: services.clock.clone(),
        commands: services.commands,
        deliveries: TaskTracker::new(),
        draining: CancellationToken::new(),
        gone: CancellationToken::new(),
        handlers: handlers?,
        hands: Hands::default(),
        logs: LogWriter::start(services.logs, services.clock.clone(), services.log_level),
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
    // What not every worker can do waits by itself, and has slots of its own.
    let apart = APART.iter().filter(|kind| shared.handlers.serves(kind));
    let apart = apart.filter_map(|kind| services.work.of_kind(kind));
    let lanes: Vec<_> = std::iter::once(services.work.clone())
        .chain(apart)
        .collect();
    let about = About::new(&services.config, lanes.len(), services.clock.now());
    let told = presence::tell(
        services.presence,
        Arc::clone(&shared),
        about,
        shutdown.clone(),
    );
    let told = AbortOnDropHandle::new(tokio::spawn(told));
    let pools = lanes.into_iter().map(|lane| {
        let pool = Pool::new(lane, Arc::clone(&shared), services.config.concurrency);
        pool.run(&shutdown, drain)
    });
    join_all(pools).await;
    shared.gone.cancel();
    shared.logs.close().await;
    // It says that it is gone, if that is heard soon.
    let _heard = tokio::time::timeout(LAST_WORDS, told).await;
    Ok(())
}
