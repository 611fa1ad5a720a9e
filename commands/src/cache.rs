//! Aggregates that were read lately.
//!
//! Invariant: an entry may be old, never wrong: every decision made on it is checked against the
//! log, by the expectation if it writes and by reading on if it does not. However large aggregates
//! are, together the entries weigh no more than [`CAPACITY_BYTES`].

use std::{any::Any, sync::Arc};

use moka::sync::Cache;
use schemas::StreamId;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::load::Loaded;

/// How much is remembered, as [`Loaded::weight`] has it.
const CAPACITY_BYTES: u64 = 128 * 1024 * 1024;
/// How many aggregates have turns.
const CAPACITY_TURNS: u64 = 100_000;

/// Aggregates of all kinds, by identity.
#[derive(Clone, Debug)]
pub(crate) struct States(Arc<Cache<StreamId, Entry>>);

/// An aggregate of some kind, and what it weighs.
#[derive(Clone, Debug)]
struct Entry {
    loaded: Arc<dyn Any + Send + Sync>,
    weight: u32,
}

/// Lets commands of this process on one aggregate go one after the other, so that they do not wear
/// each other out with conflicts. Between processes only the log decides.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<Cache<StreamId, Arc<Mutex<()>>>>);

impl Turns {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Cache::new(CAPACITY_TURNS)))
    }

    pub(crate) async fn take(&self, stream: StreamId) -> OwnedMutexGuard<()> {
        self.0.get_with(stream, Arc::default).lock_owned().await
    }
}

impl States {
    pub(crate) fn new() -> Self {
        let cache = Cache::builder()
            .max_capacity(CAPACITY_BYTES)
            .weigher(|_, entry: &Entry| entry.weight)
            .build();
        Self(Arc::new(cache))
    }

    pub(crate) fn get<A: Send + Sync + 'static>(&self, stream: StreamId) -> Option<Arc<Loaded<A>>> {
        self.0.get(&stream)?.loaded.downcast().ok()
    }

    pub(crate) fn put<A: Send + Sync + 'static>(&self, stream: StreamId, loaded: Arc<Loaded<A>>) {
        let weight = u32::try_from(loaded.weight()).unwrap_or(u32::MAX);
        self.0.insert(stream, Entry { loaded, weight });
    }

    pub(crate) fn forget(&self, stream: StreamId) {
        self.0.invalidate(&stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{AggregateKind, TenantId, task::Task};
    use uuid::Uuid;

    #[test]
    fn large_aggregates_leave_room_for_no_more_than_what_they_weigh() {
        let states = States::new();
        let stream = |id| StreamId {
            tenant: TenantId::new(Uuid::nil()),
            kind: AggregateKind::Task,
            id: Uuid::from_u128(id),
        };
        let large = Loaded::<Task> {
            bytes: 1 << 20,
            ..Loaded::default()
        };
        for id in 0..1_000 {
            states.put(stream(id), Arc::new(large.clone()));
        }
        states.0.run_pending_tasks();
        let kept = (0..1_000).filter(|id| states.get::<Task>(stream(*id)).is_some());
        assert!((100..=128).contains(&kept.count()));
    }
}
