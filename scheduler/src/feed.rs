//! The log as the scheduler reads it: entry after entry, across outages.
//!
//! Invariant: no entry is passed over. If the log has a gap the feed ends and says so.

use event_log::{Entry, Follow, LogError, Position, SharedLog};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture};

use crate::backoff::backoff;

/// How many entries are taken at once at most.
const BATCH: usize = 256;

/// Where the reader is.
pub struct Feed {
    /// Kept here, so that it goes on when whoever waits for it is called away.
    connecting: Option<BoxFuture<'static, Result<Follow, LogError>>>,
    failures: u32,
    follow: Option<Follow>,
    last: Position,
    log: SharedLog,
}

impl Feed {
    /// Reads on after `after`.
    pub fn new(log: SharedLog, after: Position) -> Self {
        Self {
            connecting: None,
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
        let mut entries = vec![first];
        while let Some(follow) = self.follow.as_mut().filter(|_| entries.len() < BATCH) {
            match follow.next().now_or_never() {
                Some(Some(Ok(entry))) => entries.push(entry),
                // A gap is found again from the last entry on.
                Some(Some(Err(reason))) => self.lost(&reason.to_string()),
                Some(None) => self.lost("it ended"),
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
        let (log, after, failures) = (self.log.clone(), self.last, self.failures);
        let connecting = self.connecting.get_or_insert_with(|| {
            Box::pin(async move {
                if failures > 0 {
                    tokio::time::sleep(backoff(failures)).await;
                }
                log.follow(after).await
            })
        });
        let found = connecting.await;
        self.connecting = None;
        match found {
            Ok(follow) => {
                self.follow = Some(follow);
                std::mem::take(&mut self.failures) > 0
            }
            Err(reason) => {
                self.lost(&reason.to_string());
                false
            }
        }
    }

    fn lost(&mut self, reason: &str) {
        self.follow = None;
        self.failures = self.failures.saturating_add(1);
        if self.failures == 1 {
            tracing::warn!(reason, after = %self.last, "the log cannot be followed: trying on");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        time::Duration,
    };

    use async_trait::async_trait;
    use event_log::{
        AppendError, Commit, EventLog, Head, MemoryLog, NewCommit, ReadFrom, StreamId,
    };

    use super::*;

    /// A log that cannot be followed so many times.
    struct Away(MemoryLog, AtomicU32);

    #[async_trait]
    impl EventLog for Away {
        async fn append(&self, commit: NewCommit) -> Result<Position, AppendError> {
            self.0.append(commit).await
        }
        async fn append_all(&self, commits: Vec<NewCommit>) -> Result<Vec<Position>, AppendError> {
            self.0.append_all(commits).await
        }
        async fn at(&self, position: Position) -> Result<Option<Entry>, LogError> {
            self.0.at(position).await
        }
        async fn follow(&self, after: Position) -> Result<Follow, LogError> {
            if self.1.fetch_sub(1, Ordering::SeqCst) > 1 {
                return Err(LogError::Unavailable("away".into()));
            }
            self.0.follow(after).await
        }
        async fn head(&self) -> Result<Head, LogError> {
            self.0.head().await
        }
        async fn load(
            &self,
            stream: StreamId,
            after: Position,
            from: ReadFrom,
        ) -> Result<Vec<Commit>, LogError> {
            self.0.load(stream, after, from).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_is_found_again_however_often_the_reader_is_called_away() {
        let log = Arc::new(Away(MemoryLog::new("test"), AtomicU32::new(8)));
        let mut feed = Feed::new(log, Position(0));
        // Called away far more often than the pause between two tries lasts.
        for _ in 0..600 {
            let called_away = tokio::time::timeout(Duration::from_millis(50), feed.next()).await;
            if let Ok(found) = called_away {
                assert!(found.expect("no gap").is_empty(), "it was lost in between");
                return;
            }
        }
        panic!("the log is not found again");
    }
}
