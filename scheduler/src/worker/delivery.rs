//! A delivery that is kept alive while its attempt is being made.
//!
//! Invariant: the queue hears of it from a task of its own, whatever the handler does; and if
//! whoever holds it vanishes, the queue is told to deliver it again.

use std::time::Duration;

use event_log::{Delivery, WorkError};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::HEARTBEAT;

/// A delivery in good hands.
pub(super) struct Held(oneshot::Sender<Ending>);

enum Ending {
    Done,
    HandBack(Duration),
}

impl Held {
    /// Keeps `delivery` alive from now on, in a task of `keepers`.
    pub(super) fn new(delivery: Delivery, keepers: &TaskTracker) -> Self {
        let (ending, ended) = oneshot::channel();
        keepers.spawn(keep(delivery, ended));
        Self(ending)
    }

    /// It needs no further delivery.
    pub(super) fn done(self) {
        self.end(Ending::Done);
    }

    /// Somebody should have it after `delay`.
    pub(super) fn hand_back(self, delay: Duration) {
        self.end(Ending::HandBack(delay));
    }

    fn end(self, ending: Ending) {
        // The keeper waits for nothing else.
        let _heard = self.0.send(ending);
    }
}

async fn keep(delivery: Delivery, mut ended: oneshot::Receiver<Ending>) {
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    heartbeat.tick().await;
    let ending = loop {
        tokio::select! {
            ending = &mut ended => break ending,
            _ = heartbeat.tick() => {
                if let Err(reason) = delivery.in_progress().await {
                    tracing::debug!(%reason, "a heartbeat was not sent");
                }
            }
        }
    };
    let told: Result<(), WorkError> = match ending {
        Ok(Ending::Done) => delivery.done().await,
        Ok(Ending::HandBack(delay)) => delivery.hand_back(delay).await,
        // Whoever held it is gone: dropping it has it delivered again.
        Err(_) => return,
    };
    if let Err(reason) = told {
        // It comes again, and the log tells that it is over.
        tracing::debug!(%reason, "the queue did not hear how an attempt ended");
    }
}
