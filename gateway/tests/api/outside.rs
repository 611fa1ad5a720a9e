//! What a gateway needs for workers, and what the scheduler and Almanac's own workers do there.
//!
//! Invariant: each of them has a connection of its own, as the user that it is.

use commands::{Commands, External, Identity, Workers};
use domain::{TenantId, task::Priority};
use event_log::{ExternalQueue, JetStreamLog, Presence, WorkItem, WorkQueue};

use crate::world::{World, open};

impl World {
    /// Has the first attempt at a task handed out, as the scheduler does for a kind that is the
    /// tenant's own.
    pub async fn hand_out(&self, tenant: TenantId, task: &str, kind: &str, priority: Priority) {
        let item = WorkItem {
            attempt: 1,
            kind: kind.to_owned(),
            task: task.parse().expect("an id"),
            tenant,
            version: event_log::Version(1),
        };
        let log = open(&self.servers.nats, event_log::Role::Scheduler).await;
        let pushed = WorkQueue::new(&log).push_outside(priority, &item).await;
        pushed.expect("queued");
    }

    /// Where workers store what attempts say.
    pub async fn worker_logs(&self) -> event_log::TaskLogs {
        let log = open(&self.servers.nats, event_log::Role::Worker).await;
        task_logs(&log, false).await
    }
}

pub async fn task_logs(log: &JetStreamLog, create: bool) -> event_log::TaskLogs {
    let limits = runtime::TaskLogs::default();
    let opened = event_log::TaskLogs::open(log, &limits, create).await;
    opened.expect("task logs")
}

pub async fn external(commands: &Commands, identity: &Identity, log: &JetStreamLog) -> External {
    let ground = commands::Ground {
        leased: Presence::of_leased(log).await.expect("a bucket"),
        logs: task_logs(log, false).await,
        queue: ExternalQueue::new(log),
        workers: Presence::of_workers(log).await.expect("a bucket"),
    };
    External::new(commands.clone(), identity.clone(), ground)
}

pub async fn workers(log: &JetStreamLog) -> Workers {
    let workers = Presence::of_workers(log).await.expect("a bucket");
    Workers::new(workers, Presence::of_leased(log).await.expect("a bucket"))
}
