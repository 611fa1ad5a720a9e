//! Brings an edition that is not live as far as the live one.
//!
//! Invariant: it is written by a projector, as the live one is, under that edition's own lock.

use std::pin::Pin;

use event_log::{LogError, SharedLog};
use futures::{Stream, StreamExt as _};
use schemas::Position;

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

    /// Follows up to `target`, or beyond with what was read together.
    pub(super) async fn reach(
        &mut self,
        target: Position,
        progress: impl Fn(Position),
    ) -> Result<(), ExchangeError> {
        while self.position() < target {
            let Some((reading, failure)) = self.readings.next().await else {
                let ended = StoreError::Unavailable("the log ended".to_owned());
                return Err(ended.into());
            };
            progress(self.apply(reading).await?);
            if let Some(failure) = failure {
                return Err(RunError::from(failure).into());
            }
        }
        Ok(())
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
