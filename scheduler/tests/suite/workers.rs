//! Workers, and one that dies as a process does.
//!
//! Invariant: whoever dies goes in the middle of whatever it does and its connection goes with it,
//! so nobody hears a last word.

use std::sync::Arc;

use commands::Commands;
use event_log::{JetStreamLog, Presence, Role, TaskLogs, WorkQueue};
use runtime::{Clock, Ids};
use scheduler::handlers::Means;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::spawn_blocking,
};
use tokio_util::sync::CancellationToken;

use crate::world::{Part, World, open, options};

/// A worker with a runtime of its own; dropping it is its death.
pub struct Mortal(Option<Runtime>);

impl Mortal {
    pub fn start(world: &World, config: runtime::Worker) -> Self {
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let options = options(&world.servers.nats, Role::Worker);
        let (clock, ids) = (world.clock.clone(), world.ids.clone());
        runtime.spawn(async move {
            // Opening may not change threads; what it starts lives on this runtime all the same.
            let open = move || Handle::current().block_on(JetStreamLog::open(&options));
            let opened = spawn_blocking(open).await.expect("no panic");
            let log = opened.expect("the log opens");
            let means = Means::default();
            work(log, clock, ids, config, means, CancellationToken::new()).await;
        });
        Self(Some(runtime))
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl World {
    /// A worker with a connection of its own.
    pub async fn worker(&self, config: runtime::Worker) -> Part {
        self.worker_with(config, Means::default()).await
    }

    /// The same with what its handlers may use.
    pub async fn worker_with(&self, config: runtime::Worker, means: Means) -> Part {
        let log = open(&self.servers.nats, Role::Worker).await;
        let (clock, ids) = (self.clock.clone(), self.ids.clone());
        Part::start(|shutdown| work(log, clock, ids, config, means, shutdown))
    }
}

async fn work(
    log: JetStreamLog,
    clock: Clock,
    ids: Ids,
    config: runtime::Worker,
    means: Means,
    shutdown: CancellationToken,
) {
    let work = WorkQueue::new(&log);
    let limits = runtime::TaskLogs::default();
    let logs = TaskLogs::open(&log, &limits, false)
        .await
        .expect("a stream");
    let presence = Presence::of_workers(&log).await.expect("a bucket");
    let services = scheduler::worker::Services {
        commands: Commands::new(Arc::new(log), clock.clone(), ids.clone()),
        clock,
        config,
        ids,
        means,
        log_level: limits.level,
        logs,
        presence,
        work,
    };
    let worked = scheduler::worker::run(services, shutdown).await;
    worked.expect("the worker runs");
}
