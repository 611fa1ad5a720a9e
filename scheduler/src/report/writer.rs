//! Stores what attempts say, a moment's worth at a time.
//!
//! Invariant: of one attempt, what was said first is stored first. While the server is away nothing
//! is taken from the attempts, so that what they have room for is kept.

use std::{sync::Arc, time::Duration};

use domain::LogLevel;
use event_log::TaskLogs;
use futures::StreamExt as _;
use runtime::Clock;
use tokio::sync::{Notify, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Report, Reporter, said::Said};
use crate::backoff::backoff;

/// How long what is said may wait for more.
const MOMENT: Duration = Duration::from_millis(100);
/// How many attempts are stored at a time.
const AT_A_TIME: usize = 64;
/// How long the last of it may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Stores what the attempts of this process say.
pub struct LogWriter {
    clock: Clock,
    closing: CancellationToken,
    full: Arc<Notify>,
    level: LogLevel,
    ready: mpsc::UnboundedSender<Arc<Said>>,
    writing: TaskTracker,
}

impl LogWriter {
    /// Begins to store what is said from `level` up.
    pub fn start(logs: TaskLogs, clock: Clock, level: LogLevel) -> Self {
        let (ready, inbox) = mpsc::unbounded_channel();
        let (closing, full) = (CancellationToken::new(), Arc::new(Notify::new()));
        let desk = Desk {
            closing: closing.clone(),
            full: Arc::clone(&full),
            inbox,
            logs,
        };
        let writing = TaskTracker::new();
        writing.spawn(desk.write());
        writing.close();
        Self {
            clock,
            closing,
            full,
            level,
            ready,
            writing,
        }
    }

    /// Where an attempt says what it does.
    pub fn report(&self, reporter: Reporter) -> Report {
        let (ready, full) = (self.ready.clone(), Arc::clone(&self.full));
        let said = Said::new(reporter, self.clock.clone(), self.level, ready, full);
        Report::new(said)
    }

    /// Stores what has been said by now, if the server takes it soon, and ends.
    pub async fn close(&self) {
        self.closing.cancel();
        let _stored = tokio::time::timeout(LAST_WORDS, self.writing.wait()).await;
    }
}

struct Desk {
    closing: CancellationToken,
    full: Arc<Notify>,
    inbox: mpsc::UnboundedReceiver<Arc<Said>>,
    logs: TaskLogs,
}

impl Desk {
    async fn write(mut self) {
        let mut waiting = Vec::new();
        let mut failures = 0;
        loop {
            self.gather(&mut waiting, failures).await;
            if self.closing.is_cancelled() {
                while let Ok(said) = self.inbox.try_recv() {
                    waiting.push(said);
                }
                self.store(&mut waiting).await;
                return;
            }
            let failed = !self.logs.is_connected() || !self.store(&mut waiting).await;
            failures = if failed { failures + 1 } else { 0 };
        }
    }

    /// Collects who has something to store, until the moment is over.
    async fn gather(&mut self, waiting: &mut Vec<Arc<Said>>, failures: u32) {
        if waiting.is_empty() {
            tokio::select! {
                () = self.closing.cancelled() => return,
                Some(said) = self.inbox.recv() => waiting.push(said),
            }
        }
        let moment = if failures == 0 {
            MOMENT
        } else {
            backoff(failures)
        };
        let over = tokio::time::sleep(moment);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = self.closing.cancelled() => return,
                () = &mut over => return,
                () = self.full.notified(), if failures == 0 => return,
                Some(said) = self.inbox.recv() => waiting.push(said),
            }
        }
    }

    /// Stores what waits; those whose last part was not taken stay. Says whether all was taken.
    async fn store(&self, waiting: &mut Vec<Arc<Said>>) -> bool {
        let logs = &self.logs;
        let storing = waiting.drain(..).map(|said| store(logs.clone(), said));
        let storing: Vec<_> = storing.collect();
        let storing = futures::stream::iter(storing).buffer_unordered(AT_A_TIME);
        let left: Vec<_> = storing.collect().await;
        waiting.extend(left.into_iter().flatten());
        waiting.is_empty()
    }
}

/// Stores what one attempt has said; the attempt, if not all of it was taken.
async fn store(logs: TaskLogs, said: Arc<Said>) -> Option<Arc<Said>> {
    while let Some(batch) = said.take() {
        let Reporter { task, tenant, .. } = said.reporter;
        let stored = logs.append(tenant, task, batch.payload.clone()).await;
        if let Err(reason) = stored {
            tracing::warn!(%task, %reason, "what an attempt said was not stored");
            said.lost(&batch);
            return Some(said);
        }
    }
    None
}
