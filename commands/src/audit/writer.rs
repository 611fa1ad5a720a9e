//! The one task that writes the audit.
//!
//! Invariant: what it has taken it stores before it takes more, however long the log is away; a
//! batch bears one id for all its tries, so that it is stored once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use domain::TenantId;
use schemas::AuditRecord;
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::{Inner, Observed};
use crate::Failure;

/// How long records are gathered before they are written: the disk is flushed for each message.
const GATHER: Duration = Duration::from_millis(100);
/// The most records that are taken at a time.
const TAKE: usize = 1_000;
/// The most records of one message, which stays far below what the server takes.
const MESSAGE: usize = 200;
/// How long to wait after the first failure; doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(100);
/// The longest wait after a failure.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Writes until the last handle is gone.
pub(super) async fn write(inner: Weak<Inner>, news: Arc<Notify>) {
    loop {
        let Some(held) = inner.upgrade() else {
            return;
        };
        let taken = held.take();
        let (full, counts) = (taken.len() >= TAKE, held.queue().counts());
        held.store(taken).await;
        drop(held);
        if full {
            continue;
        }
        if counts {
            sleep(GATHER).await;
        } else {
            // The handles may go while nothing comes.
            let _quiet = timeout(PAUSE_MAX, news.notified()).await;
            sleep(GATHER).await;
        }
    }
}

impl Inner {
    fn take(&self) -> Vec<Observed> {
        let mut queue = self.queue();
        let taken = queue.take(TAKE, self.now(), &self.ids);
        // Before the lock is let go of, so that nothing is neither here nor there.
        self.in_hand.store(taken.len(), Ordering::Release);
        taken
    }

    async fn store(&self, taken: Vec<Observed>) {
        let mut tenants: BTreeMap<TenantId, Vec<Observed>> = BTreeMap::new();
        for observed in taken {
            tenants.entry(observed.tenant).or_default().push(observed);
        }
        for (tenant, observed) in tenants {
            for some in observed.chunks(MESSAGE) {
                self.store_some(tenant, some).await;
                self.in_hand.fetch_sub(some.len(), Ordering::AcqRel);
            }
        }
    }

    /// Stores these, tried until it is done.
    async fn store_some(&self, tenant: TenantId, some: &[Observed]) {
        let (mut pause, mut warned) = (PAUSE, false);
        loop {
            let failure = match self.try_store(tenant, some).await {
                Ok(()) => return,
                Err(failure) => failure,
            };
            if !warned {
                tracing::warn!(%failure, "the audit waits for the log");
                warned = true;
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn try_store(&self, tenant: TenantId, some: &[Observed]) -> Result<(), Failure> {
        let mut records = Vec::with_capacity(some.len());
        for observed in some {
            records.push(match self.origins.seal(observed).await {
                Ok(record) => record,
                Err(failure @ Failure::Unavailable(_)) => return Err(failure),
                Err(failure) => {
                    tracing::error!(%failure, "a record of the audit does not say from where");
                    AuditRecord {
                        entry: observed.entry.clone(),
                        origin: None,
                    }
                }
            });
        }
        let Some(first) = records.first() else {
            return Ok(());
        };
        let id = first.entry.id.to_string();
        let payload = serde_json::to_vec(&records).expect("records always encode");
        self.log.append(tenant, &id, payload).await?;
        Ok(())
    }
}
