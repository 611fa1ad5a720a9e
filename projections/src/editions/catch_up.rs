//! Brings an edition that is not live as far as the live one.
//!
//! Invariant: it is written by a projector, as the live one is, under that edition's own lock, and
//! stops exactly where it is told to.

use std::{collections::VecDeque, pin::Pin, time::Duration};

use event_log::{LogError, SharedLog};
use futures::{Stream, StreamExt as _};
use schemas::Position;
use tokio::time::Instant;

use super::{Edition, ExchangeError, Refusal};
use crate::{
    Projector, RunError, StoreError, Writer,
    runner::{Reading, apply, read},
};

/// How many commits may be missing when the live edition is held for the rest.
const CLOSE: u64 = 500;

type Readings = Pin<Box<dyn Stream<Item = (Vec<Reading>, Option<LogError>)> + Send>>;

/// An edition as it is brought up to date.
pub(super) struct CatchUp {
    edition: Edition,
    projector: Projector,
    /// What was read together with the last that was applied, and comes after it.
    read: VecDeque<Reading>,
    readings: Readings,
}

impl CatchUp {
    /// Takes the lead in `edition`.
    pub(super) async fn open(
        log: &SharedLog,
        writer: &Writer,
        edition: Edition,
    ) -> Result<Self, ExchangeError> {
        let beside = writer.beside(edition.schema());
        let opened = Projector::open(log, &beside).await.map_err(|failure| {
            if let RunError::Halted { reason } = failure {
                return ExchangeError::Refused(Refusal::Unfit { edition, reason });
            }
            failure.into()
        })?;
        let Some(projector) = opened else {
            return Err(Refusal::AtWork.into());
        };
        let following = log.follow(projector.position()).await;
        Ok(Self {
            edition,
            read: VecDeque::new(),
            readings: Box::pin(read(following.map_err(RunError::from)?)),
            projector,
        })
    }

    /// Where it is.
    pub(super) fn position(&self) -> Position {
        self.projector.position()
    }

    /// Follows until little is missing of what is in the log by then.
    pub(super) async fn come_close(
        &mut self,
        log: &SharedLog,
        progress: impl Fn(Position),
    ) -> Result<(), ExchangeError> {
        loop {
            let head = log.head().await.map_err(RunError::from)?.position;
            let missing = head.0.saturating_sub(self.position().0);
            self.reach(head, &progress).await?;
            if missing <= CLOSE {
                return Ok(());
            }
        }
    }

    /// Follows up to `target` and no further.
    pub(super) async fn reach(
        &mut self,
        target: Position,
        progress: impl Fn(Position),
    ) -> Result<(), ExchangeError> {
        while self.position() < target {
            self.step(target, &progress).await?;
        }
        Ok(())
    }

    /// The same for a while: says whether it is there.
    pub(super) async fn reach_within(
        &mut self,
        target: Position,
        limit: Duration,
        progress: impl Fn(Position),
    ) -> Result<bool, ExchangeError> {
        let began = Instant::now();
        while self.position() < target {
            if began.elapsed() >= limit {
                return Ok(false);
            }
            self.step(target, &progress).await?;
        }
        Ok(true)
    }

    /// Applies what comes next, up to `target`.
    async fn step(
        &mut self,
        target: Position,
        progress: impl Fn(Position),
    ) -> Result<(), ExchangeError> {
        let mut failed = None;
        if self.read.is_empty() {
            let Some((reading, failure)) = self.readings.next().await else {
                return Err(StoreError::Unavailable("the log ended".to_owned()).into());
            };
            self.read.extend(reading);
            failed = failure;
        }
        let is_due = |reading: &Reading| reading.entry.position() <= target;
        // One at least, so that a gap is found rather than waited for.
        let due = self.read.partition_point(is_due).max(1);
        let due = due.min(self.read.len());
        let due = self.read.drain(..due).collect();
        progress(self.apply(due).await?);
        match failed {
            None => Ok(()),
            Some(failure) => Err(RunError::from(failure).into()),
        }
    }

    /// Lets go of the edition.
    pub(super) async fn end(self) {
        self.projector.end().await;
    }

    async fn apply(&mut self, reading: Vec<Reading>) -> Result<Position, ExchangeError> {
        match apply(&mut self.projector, reading).await {
            Ok(position) => Ok(position),
            Err(RunError::Halted { reason }) => Err(ExchangeError::Refused(Refusal::Unfit {
                edition: self.edition,
                reason,
            })),
            Err(failure) => Err(failure.into()),
        }
    }
}
