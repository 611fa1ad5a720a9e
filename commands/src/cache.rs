//! Aggregates that were read lately.
//!
//! Invariant: an entry may be old, never wrong: every decision made on it is checked against the
//! log, by the expectation if it writes and by reading on if it does not.

use std::{any::Any, sync::Arc};

use moka::sync::Cache;
use schemas::StreamId;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::load::Loaded;

/// How many aggregates are remembered.
const CAPACITY: u64 = 100_000;

/// Aggregates of all kinds, by identity.
#[derive(Clone, Debug)]
pub(crate) struct States(Cache<StreamId, Arc<dyn Any + Send + Sync>>);

/// Lets commands of this process on one aggregate go one after the other, so that they do not wear
/// each other out with conflicts. Between processes only the log decides.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Cache<StreamId, Arc<Mutex<()>>>);

impl Turns {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    pub(crate) async fn take(&self, stream: StreamId) -> OwnedMutexGuard<()> {
        self.0.get_with(stream, Arc::default).lock_owned().await
    }
}

impl States {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    pub(crate) fn get<A: Clone + Send + Sync + 'static>(
        &self,
        stream: StreamId,
    ) -> Option<Loaded<A>> {
        self.0.get(&stream)?.downcast_ref::<Loaded<A>>().cloned()
    }

    pub(crate) fn put<A: Send + Sync + 'static>(&self, stream: StreamId, loaded: Loaded<A>) {
        self.0.insert(stream, Arc::new(loaded));
    }

    pub(crate) fn forget(&self, stream: StreamId) {
        self.0.invalidate(&stream);
    }
}
