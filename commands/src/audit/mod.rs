//! Remembers who did or tried what, without anybody waiting for it.
//!
//! - [`queue`] holds what is to be written, bounded, and counts floods of refusals.
//! - [`origins`] seals where a request came from.
//! - [`writer`] is the one task that writes.
//!
//! Invariant: [`Audit::record`] takes microseconds whatever has become of the log. What finds no
//! room is counted, and the count is written; nothing is left out in silence.

mod origins;
mod queue;
mod writer;

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use domain::{TenantId, Timestamp};
use event_log::{AuditLog, Vault};
use runtime::{Clock, Ids};
use schemas::{AuditRecord, Origin, api::AuditEntry};
use tokio::sync::Notify;

use crate::{Failure, Identity};
use origins::Origins;
use queue::Queue;

/// How long an ending process waits until all is written.
const DRAIN: Duration = Duration::from_secs(2);
/// How often it looks whether it is.
const LOOK: Duration = Duration::from_millis(5);

/// What was seen of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Who, what and with which result.
    pub entry: AuditEntry,
    /// What its floods are counted by: the network of its address.
    pub group: Option<IpAddr>,
    /// From where; kept sealed only.
    pub origin: Option<Origin>,
    /// Whose audit it belongs to.
    pub tenant: TenantId,
}

/// Writes what it is told. Its clones share one task, which ends with the last.
#[derive(Clone)]
pub struct Audit(Arc<Inner>);

struct Inner {
    clock: Clock,
    ids: Ids,
    /// Taken out of the queue and not yet stored.
    in_hand: AtomicUsize,
    log: AuditLog,
    news: Arc<Notify>,
    origins: Origins,
    queue: Mutex<Queue>,
}

impl Audit {
    /// Begins to write to `log`; `keep` is for how long it keeps what is written. Must be called on
    /// a tokio runtime that lasts as long.
    pub fn start(log: AuditLog, vault: Vault, identity: Identity, keep: Duration) -> Self {
        let inner = Arc::new(Inner {
            clock: identity.commands().clock().clone(),
            ids: identity.commands().ids().clone(),
            in_hand: AtomicUsize::new(0),
            log,
            news: Arc::default(),
            origins: Origins::new(identity, vault, keep),
            queue: Mutex::default(),
        });
        let news = inner.news.clone();
        tokio::spawn(writer::write(Arc::downgrade(&inner), news));
        Self(inner)
    }

    /// Takes in what was seen; waits for nothing.
    pub fn record(&self, observed: Observed) {
        let now = self.0.clock.now();
        self.0.queue().push(observed, now);
        self.0.news.notify_one();
    }

    /// Has all written that was taken in, but waits for no longer than 2 s.
    pub async fn drain(&self) {
        let inner = &self.0;
        let drained = async {
            loop {
                let left = {
                    let mut queue = inner.queue();
                    queue.settle_all();
                    queue.len()
                };
                if left == 0 && inner.in_hand.load(Ordering::Acquire) == 0 {
                    return;
                }
                inner.news.notify_one();
                tokio::time::sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            let lost = inner.queue().len() + inner.in_hand.load(Ordering::Acquire);
            tracing::warn!(records = lost, "records of the audit could not be written");
        }
    }

    /// Where the request of `record` came from; none if the key is gone.
    pub async fn origin(
        &self,
        tenant: TenantId,
        record: &AuditRecord,
    ) -> Result<Option<Origin>, Failure> {
        self.0.origins.open(tenant, record).await
    }

    /// The digests that records bear which came from `address`, one for each month that is kept.
    pub async fn digests(&self, tenant: TenantId, address: IpAddr) -> Result<Vec<String>, Failure> {
        let now = self.0.clock.now();
        self.0.origins.digests(tenant, address, now).await
    }
}

impl Inner {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
