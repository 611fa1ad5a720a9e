//! A log on which something else happens just before a call of one's choice.
//!
//! Invariant: apart from that it is the log it stands on.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use event_log::{
    AppendError, Commit, Entry, EventLog, Follow, Head, JetStreamLog, LogError, NewCommit,
    Position, ReadFrom, StreamId,
};
use futures::future::BoxFuture;

/// What becomes of a batch.
#[derive(Clone, Copy, PartialEq)]
pub enum Fate {
    /// Refused for want of room.
    Full,
    /// Stored, unheard; and nothing can be read any more.
    Lost,
    Stored,
}

#[derive(Clone)]
pub struct Staged {
    away: Arc<AtomicBool>,
    fate: Fate,
    log: JetStreamLog,
    /// What happens, and how many calls come before it.
    scene: Arc<Mutex<(usize, Option<BoxFuture<'static, ()>>)>>,
}

impl Staged {
    pub fn new(log: &JetStreamLog, fate: Fate) -> Self {
        Self {
            away: Arc::default(),
            fate,
            log: log.clone(),
            scene: Arc::default(),
        }
    }

    /// Lets `scene` happen once `calls` more have been answered.
    pub fn after(&self, calls: usize, scene: BoxFuture<'static, ()>) {
        *self.scene.lock().expect("not poisoned") = (calls, Some(scene));
    }

    /// Whether all has happened that was to.
    pub fn is_over(&self) -> bool {
        self.scene.lock().expect("not poisoned").1.is_none()
    }

    async fn play(&self) {
        let scene = {
            let mut next = self.scene.lock().expect("not poisoned");
            match next.0.checked_sub(1) {
                Some(left) => {
                    next.0 = left;
                    None
                }
                None => next.1.take(),
            }
        };
        if let Some(scene) = scene {
            scene.await;
        }
    }
}

#[async_trait]
impl EventLog for Staged {
    async fn append(&self, commit: NewCommit) -> Result<Position, AppendError> {
        self.log.append(commit).await
    }

    async fn append_all(&self, commits: Vec<NewCommit>) -> Result<Vec<Position>, AppendError> {
        self.play().await;
        if self.fate == Fate::Full {
            return Err(AppendError::Unavailable("full".into()));
        }
        let stored = self.log.append_all(commits).await?;
        if self.fate == Fate::Lost {
            self.away.store(true, Ordering::SeqCst);
            return Err(AppendError::Unknown("the answer was lost".into()));
        }
        Ok(stored)
    }

    async fn at(&self, position: Position) -> Result<Option<Entry>, LogError> {
        self.log.at(position).await
    }

    async fn follow(&self, after: Position) -> Result<Follow, LogError> {
        self.log.follow(after).await
    }

    async fn head(&self) -> Result<Head, LogError> {
        self.log.head().await
    }

    async fn load(
        &self,
        stream: StreamId,
        after: Position,
        from: ReadFrom,
    ) -> Result<Vec<Commit>, LogError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(LogError::Unavailable("away".into()));
        }
        self.play().await;
        tracing::trace!(kind = stream.kind.name(), "loads");
        self.log.load(stream, after, from).await
    }
}
