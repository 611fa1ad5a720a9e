//! The gateway as a part.
//!
//! Invariant: what it needs of the log beyond commands is a probe: where it ends, and whether it is
//! there.

use std::{sync::Arc, time::Duration};

use ::gateway::{LogProbe, Services};
use anyhow::Result;
use commands::{External, TaskLogs, Workers};
use event_log::{EventLog as _, ExternalQueue, JetStreamLog, Presence};
use files::Files;
use futures::FutureExt as _;
use projections::{Freshness, LiveFeed, Store};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Ground;

/// How often the log is signed at most.
const SIGNED_EVERY: Duration = Duration::from_mins(5);

/// Serves the API and the page, and signs the log every now and then; `freshness` watches `store`.
pub async fn run(
    ground: &Ground,
    store: Store,
    freshness: Freshness,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<()> {
    let feed = LiveFeed::start(ground.shared_log(), freshness.clone(), shutdown.clone());
    let identity = ground.identity().await?;
    let notary = ground.notary().await?;
    let until = shutdown.clone();
    let signing = runtime::in_background("notary", move || async move {
        notary.run(SIGNED_EVERY, until).await;
    });
    let signing = tokio::spawn(signing);
    let leased = Presence::of_leased(&ground.log).await?;
    let workers = Presence::of_workers(&ground.log).await?;
    let outside = commands::Ground {
        leased: leased.clone(),
        logs: ground.task_logs().await?,
        queue: ExternalQueue::new(&ground.log),
        workers: workers.clone(),
    };
    let services = Services {
        audit: ground.audit(&identity).await?,
        external: External::new(ground.commands.clone(), identity.clone(), outside),
        commands: ground.commands.clone(),
        config: ground.config.gateway.clone(),
        feed,
        files: Files::open(&ground.config.files, ground.clock.clone())?,
        freshness,
        identity,
        log: probe(&ground.log).await?,
        store,
        task_logs: TaskLogs::new(ground.task_logs().await?),
        workers: Workers::new(workers, leased),
    };
    Box::pin(::gateway::run(services, listener, shutdown)).await?;
    // It ends with the gateway; what it ended with is its own business.
    let _ended = signing.await;
    Ok(())
}

async fn probe(log: &JetStreamLog) -> Result<LogProbe> {
    let incarnation = log.head().await?.incarnation;
    let (asked, watched) = (log.clone(), log.clone());
    let head = move || {
        let log = asked.clone();
        async move { log.head().await.ok().map(|head| head.position) }.boxed()
    };
    Ok(LogProbe {
        head: Arc::new(head),
        incarnation,
        is_connected: Arc::new(move || watched.is_connected()),
    })
}
