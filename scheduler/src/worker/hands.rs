//! The attempts that this worker is at, and whoever asks about them.
//!
//! Invariant: an attempt is in these hands from before its claim until after its end, and once
//! only; so a claim that the log had accepted before is known to be nobody's yet.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{TaskId, TenantId};
use event_log::{WorkItem, WorkQueue};
use futures::StreamExt as _;

use super::Shared;
use crate::backoff::backoff;

/// An attempt.
pub(super) type Key = (TenantId, TaskId, u32);

/// What a worker is at.
#[derive(Clone, Debug, Default)]
pub(super) struct Hands(Arc<Mutex<HashSet<Key>>>);

/// One attempt in hand, until this is dropped.
#[derive(Debug)]
pub(super) struct InHand {
    hands: Hands,
    key: Key,
}

impl Hands {
    /// Takes the attempt up; none if it is in hand already.
    pub(super) fn take(&self, item: &WorkItem) -> Option<InHand> {
        let key = key(item);
        self.held().insert(key).then(|| InHand {
            hands: self.clone(),
            key,
        })
    }

    /// All that are in hand.
    pub(super) fn all(&self) -> Vec<Key> {
        self.held().iter().copied().collect()
    }

    fn has(&self, item: &WorkItem) -> bool {
        self.held().contains(&key(item))
    }

    fn held(&self) -> MutexGuard<'_, HashSet<Key>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.hands.held().remove(&self.key);
    }
}

fn key(item: &WorkItem) -> Key {
    (item.tenant, item.task, item.attempt)
}

/// Answers other workers for ever.
pub(super) async fn answer(work: WorkQueue, shared: Arc<Shared>) {
    let mut failures = 0;
    loop {
        match work.inquiries(&shared.name).await {
            Ok(inquiries) => {
                failures = 0;
                let mut inquiries = std::pin::pin!(inquiries);
                while let Some(inquiry) = inquiries.next().await {
                    let is_at = shared.hands.has(&inquiry.item);
                    inquiry.answer(is_at).await;
                }
            }
            Err(reason) if failures == 0 => {
                tracing::warn!(%reason, "other workers are not heard: trying on");
            }
            Err(_) => {}
        }
        failures += 1;
        tokio::time::sleep(backoff(failures)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_taken_up_once_at_a_time() {
        let hands = Hands::default();
        let item = WorkItem {
            attempt: 1,
            kind: "echo".to_owned(),
            task: TaskId::new(uuid::Uuid::from_u128(1)),
            tenant: TenantId::new(uuid::Uuid::from_u128(2)),
            version: event_log::Version(1),
        };
        let in_hand = hands.take(&item).expect("free");
        assert!(hands.take(&item).is_none() && hands.has(&item));
        drop(in_hand);
        assert!(!hands.has(&item) && hands.take(&item).is_some());
    }
}
