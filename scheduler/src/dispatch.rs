//! Puts attempts on the work queue, and tells workers of cancellations.
//!
//! Invariant: what was asked for is sent at least once, or the term of leadership ends; repeats are
//! harmless, since an attempt is claimed in the log.

use std::sync::Arc;

use domain::{
    TaskId,
    task::{Priority, is_built_in},
};
use event_log::{WorkItem, WorkQueue};
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::backoff::backoff;

/// How many are sent at a time.
const IN_FLIGHT: usize = 256;

/// Sends in the background; stops when it is dropped.
pub struct Dispatcher {
    outbox: mpsc::UnboundedSender<Errand>,
    _sending: AbortOnDropHandle<()>,
}

/// Something to be sent.
#[derive(Debug)]
enum Errand {
    Announce(TaskId),
    Push(Priority, WorkItem),
}

impl Dispatcher {
    /// Starts sending to `work`.
    pub fn start(work: WorkQueue, ended: CancellationToken) -> Self {
        let (outbox, mut inbox) = mpsc::unbounded_channel();
        let work = Arc::new(work);
        let errands = futures::stream::poll_fn(move |context| inbox.poll_recv(context));
        let sending = errands.for_each_concurrent(IN_FLIGHT, move |errand| {
            let (work, ended) = (Arc::clone(&work), ended.clone());
            async move { send(&work, &errand, &ended).await }
        });
        Self {
            outbox,
            _sending: AbortOnDropHandle::new(tokio::spawn(sending)),
        }
    }

    /// Has the worker of `task` told to stop it.
    pub fn announce(&self, task: TaskId) {
        self.put(Errand::Announce(task));
    }

    /// Has `item` put on the queue.
    pub fn push(&self, priority: Priority, item: WorkItem) {
        self.put(Errand::Push(priority, item));
    }

    fn put(&self, errand: Errand) {
        // The receiver lives as long as this does.
        let _received = self.outbox.send(errand);
    }
}

async fn send(work: &WorkQueue, errand: &Errand, ended: &CancellationToken) {
    let mut failures = 0;
    loop {
        let sent = match errand {
            Errand::Announce(task) => work.announce_cancel(*task).await,
            Errand::Push(priority, item) if is_built_in(&item.kind) => {
                work.push(*priority, item).await
            }
            Errand::Push(priority, item) => work.push_outside(*priority, item).await,
        };
        let Err(reason) = sent else { return };
        failures += 1;
        if failures == 1 {
            tracing::warn!(?errand, %reason, "not sent to the workers yet: trying on");
        }
        tokio::select! {
            () = ended.cancelled() => return,
            () = tokio::time::sleep(backoff(failures)) => {}
        }
    }
}
