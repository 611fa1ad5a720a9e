//! The log as the scheduler reads it: entry after entry, across outages.
//!
//! Invariant: no entry is passed over. If the log has a gap the feed ends and says so.

use event_log::{Entry, Follow, LogError, Position, SharedLog};
use futures::{FutureExt as _, StreamExt as _};

use crate::backoff::backoff;

/// How many entries are taken at once at most.
const BATCH: usize = 256;

/// Where the reader is.
pub struct Feed {
    failures: u32,
    follow: Option<Follow>,
    last: Position,
    log: SharedLog,
}

impl Feed {
    /// Reads on after `after`.
    pub fn new(log: SharedLog, after: Position) -> Self {
        Self {
            failures: 0,
            follow: None,
            last: after,
            log,
        }
    }

    /// What comes next; waits for it. No entries mean that the log was lost and is found again:
    /// what its server had not flushed of other streams may be gone. May be dropped and called
    /// again.
    pub async fn next(&mut self) -> Result<Vec<Entry>, LogError> {
        loop {
            let Some(follow) = &mut self.follow else {
                if self.connect().await {
                    return Ok(Vec::new());
                }
                continue;
            };
            match follow.next().await {
                Some(Ok(first)) => return Ok(self.batch(first)),
                Some(Err(gap @ LogError::Gap { .. })) => return Err(gap),
                Some(Err(reason)) => self.lost(&reason.to_string()),
                None => self.lost("it ended"),
            }
        }
    }

    /// `first` and what is there already behind it.
    fn batch(&mut self, first: Entry) -> Vec<Entry> {
        self.failures = 0;
        let mut entries = vec![first];
        while let Some(follow) = self.follow.as_mut().filter(|_| entries.len() < BATCH) {
            match follow.next().now_or_never() {
                Some(Some(Ok(entry))) => entries.push(entry),
                // What else there is to say comes again when it is asked for from the last entry
                // on.
                Some(Some(Err(_)) | None) => self.follow = None,
                None => break,
            }
        }
        if let Some(entry) = entries.last() {
            self.last = entry.position();
        }
        entries
    }

    /// Whether the log is found again after it was lost.
    async fn connect(&mut self) -> bool {
        if self.failures > 0 {
            tokio::time::sleep(backoff(self.failures)).await;
        }
        match self.log.follow(self.last).await {
            Ok(follow) => self.follow = Some(follow),
            Err(reason) => self.lost(&reason.to_string()),
        }
        self.follow.is_some() && self.failures > 0
    }

    fn lost(&mut self, reason: &str) {
        self.follow = None;
        self.failures = self.failures.saturating_add(1);
        if self.failures == 1 {
            tracing::warn!(reason, after = %self.last, "the log cannot be followed: trying on");
        }
    }
}
