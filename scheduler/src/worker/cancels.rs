//! The attempts of this worker that may have to stop, and who tells them.
//!
//! Invariant: an announcement is a hint. It makes the attempt look into the log, and only what is
//! there counts; a lost announcement is made up for by the next heartbeat.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::TaskId;
use event_log::WorkQueue;
use futures::StreamExt as _;
use tokio::sync::Notify;

use super::Shared;
use crate::backoff::backoff;

/// The attempts that listen.
#[derive(Clone, Debug, Default)]
pub(super) struct Cancels(Arc<Mutex<HashMap<TaskId, Vec<Arc<Notify>>>>>);

/// One attempt that listens, until it is dropped.
#[derive(Debug)]
pub(super) struct Listener {
    cancels: Cancels,
    hint: Arc<Notify>,
    task: TaskId,
}

impl Cancels {
    /// Listens for `task`.
    pub(super) fn listen(&self, task: TaskId) -> Listener {
        let hint = Arc::new(Notify::new());
        self.listeners().entry(task).or_default().push(hint.clone());
        Listener {
            cancels: self.clone(),
            hint,
            task,
        }
    }

    fn hint(&self, task: TaskId) {
        for hint in self.listeners().get(&task).into_iter().flatten() {
            hint.notify_one();
        }
    }

    fn hint_all(&self) {
        for hint in self.listeners().values().flatten() {
            hint.notify_one();
        }
    }

    fn listeners(&self) -> MutexGuard<'_, HashMap<TaskId, Vec<Arc<Notify>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Returns when there may be a reason to stop.
    pub(super) async fn hinted(&self) {
        self.hint.notified().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut listeners = self.cancels.listeners();
        if let Some(hints) = listeners.get_mut(&self.task) {
            hints.retain(|hint| !Arc::ptr_eq(hint, &self.hint));
            if hints.is_empty() {
                listeners.remove(&self.task);
            }
        }
    }
}

/// Passes announcements on for ever.
pub(super) async fn listen(work: WorkQueue, shared: Arc<Shared>) {
    let mut failures = 0;
    loop {
        match work.cancels().await {
            Ok(announced) => {
                failures = 0;
                // Announcements made while nobody listened are to be found in the log.
                shared.cancels.hint_all();
                let mut announced = std::pin::pin!(announced);
                while let Some(task) = announced.next().await {
                    shared.cancels.hint(task);
                }
            }
            Err(reason) if failures == 0 => {
                tracing::warn!(%reason, "cancellations are not heard: trying on");
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

    #[tokio::test]
    async fn only_who_listens_for_a_task_is_told() {
        let cancels = Cancels::default();
        let task = |n| TaskId::new(uuid::Uuid::from_u128(n));
        let (mine, other) = (cancels.listen(task(1)), cancels.listen(task(2)));
        cancels.hint(task(1));
        mine.hinted().await;
        let told = futures::FutureExt::now_or_never(other.hinted());
        assert!(told.is_none());
        drop((mine, other));
        assert!(cancels.listeners().is_empty());
    }
}
