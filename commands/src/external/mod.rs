//! Attempts that somebody outside of Almanac makes, in any language, over HTTP.
//!
//! An attempt is claimed in the log for a worker of its own, whose name nobody else ever bears; so
//! whatever comes too late is refused there, as of every worker.
//!
//! Invariant: an attempt that was handed out ends with the word of who has the token, or is lost
//! and made again once nobody has spoken for it for a while.

mod claim;
mod speak;
mod token;

use std::time::Duration;

use domain::{Actor, TenantId};
use event_log::{ExternalQueue, Presence, WorkError};
use futures::{FutureExt as _, StreamExt as _};
use schemas::WorkerEntry;
use tokio::time::Instant;

use crate::{Commands, Failure, Identity};

pub use claim::Leased;
pub use speak::{Beat, StopReason};
pub use token::Lease;

/// What workers outside are called in the log begins with this.
const OUTSIDE: &str = "external.";
/// How long who asks is known to be there, at least.
const THERE: Duration = Duration::from_secs(5);
/// How long to wait before what was not signed is looked for.
const LOOK: Duration = Duration::from_secs(1);
/// A sign may come before what it is of can be taken.
const AFTER_SIGN: Duration = Duration::from_millis(2);

/// Hands attempts out and hears of them. Clones share its connection.
#[derive(Clone)]
pub struct External {
    commands: Commands,
    identity: Identity,
    leased: Presence,
    logs: event_log::TaskLogs,
    queue: ExternalQueue,
    workers: Presence,
}

/// What somebody outside can do now.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The kinds that it does.
    pub kinds: Vec<String>,
    /// How many attempts it takes at most.
    pub max: usize,
    /// What it calls itself.
    pub name: String,
    /// Whose it is.
    pub tenant: TenantId,
    /// How long it waits for the first.
    pub wait: Duration,
}

/// What the desk for workers outside stands on.
pub struct Ground {
    /// Attempts that somebody has.
    pub leased: Presence,
    /// What attempts say.
    pub logs: event_log::TaskLogs,
    /// Attempts that wait.
    pub queue: ExternalQueue,
    /// Who is there.
    pub workers: Presence,
}

/// Who signs what follows from what workers outside say all the time, and who they are is in it.
fn actor() -> Actor {
    Actor::System("gateway".to_owned())
}

/// Whether `worker` is what somebody outside is called in the log.
pub fn is_outside(worker: &str) -> bool {
    worker.starts_with(OUTSIDE)
}

impl External {
    /// A desk for workers outside.
    pub fn new(commands: Commands, identity: Identity, ground: Ground) -> Self {
        let Ground {
            leased,
            logs,
            queue,
            workers,
        } = ground;
        Self {
            commands,
            identity,
            leased,
            logs,
            queue,
            workers,
        }
    }

    /// Hands attempts out, as soon as there are any or once the wait is over.
    pub async fn lease(&self, wanted: &Wanted) -> Result<Vec<Leased>, Failure> {
        let deadline = Instant::now() + wanted.wait;
        let mut signs = self.queue.signs(wanted.tenant, &wanted.kinds).await?;
        let mut told_at = None;
        loop {
            if told_at.is_none_or(|told: Instant| told.elapsed() >= THERE) {
                self.is_there(wanted).await?;
                told_at = Some(Instant::now());
            }
            let leased = self.take(wanted).await?;
            let now = Instant::now();
            if !leased.is_empty() || now >= deadline {
                return Ok(leased);
            }
            let look = deadline.min(now + LOOK);
            if let Ok(Some(())) = tokio::time::timeout_at(look, signs.next()).await {
                while let Some(Some(())) = signs.next().now_or_never() {}
                tokio::time::sleep(AFTER_SIGN).await;
            }
        }
    }

    async fn take(&self, wanted: &Wanted) -> Result<Vec<Leased>, Failure> {
        let mut leased = Vec::new();
        for kind in &wanted.kinds {
            let left = wanted.max - leased.len();
            if left == 0 {
                break;
            }
            for delivery in self.queue.take(wanted.tenant, kind, left).await? {
                leased.extend(self.claim(wanted, delivery).await?);
            }
        }
        Ok(leased)
    }

    /// Has it known that a worker is there that asks for work.
    async fn is_there(&self, wanted: &Wanted) -> Result<(), Failure> {
        let entry = WorkerEntry {
            name: wanted.name.clone(),
            kinds: wanted.kinds.clone(),
            slots: None,
            running: Vec::new(),
            version: None,
            zone: None,
            draining: false,
            memory_bytes: None,
            started_at: self.commands.clock().now(),
            tenant: Some(wanted.tenant),
        };
        let entry = serde_json::to_vec(&entry).expect("entries always encode");
        let key = format!("{OUTSIDE}{}.{}", wanted.tenant, wanted.name);
        Ok(self.workers.put(&key, entry).await?)
    }
}

impl From<WorkError> for Failure {
    fn from(error: WorkError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
