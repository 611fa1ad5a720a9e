//! Fills empty tables with the whole log.
//!
//! Three things go on at once: folding, writing what was folded, and writing the mirror; each of
//! the latter with a session and transactions of its own.
//!
//! Invariant: the tables depend on the log alone, as a projector's do. Until all is written their
//! checkpoint says that nothing is, so what was filled in part is never taken for more.

mod course;
mod written;

use std::collections::{BTreeSet, HashSet};

use event_log::{Follow, SharedLog};
use futures::StreamExt as _;
use schemas::{Position, StreamId};
use sqlx::{Connection as _, PgConnection};
use tokio::sync::{mpsc, oneshot};

use super::{
    RunError,
    chain::Chain,
    checkpoint::Checkpoint,
    decode::Reading,
    decoded,
    folds::Folds,
    mend::{Mending, resume},
    mirror::{self, Mirror},
    moments::Moments,
    park::Park,
    projector::judge,
    recent::Bounds,
    remedy::{Remedy, parts},
};
use crate::{StoreError, Writer, store};
use course::batches;
pub(crate) use course::{Course, entry_at};
use written::{Step, session, write_mirror, write_step, written_by};

/// How much is remembered of each read model.
const REMEMBERED: Bounds = Bounds {
    bytes: 128 << 20,
    entries: 100_000,
};

/// What came of filling.
#[derive(Debug)]
pub(crate) enum Filled {
    /// Everything is there up to this position.
    UpTo(Position),
    /// What was applied of these is left out later in the log: to be begun anew, knowing that.
    LeavesOut(BTreeSet<Position>),
    /// Postgres refuses what a commit holds: a projector finds out which, and parks it.
    Refused(String),
}

struct Filler {
    chain: Chain,
    folds: Folds,
    moments: Moments,
    park: Park,
    reader: PgConnection,
    steps: mpsc::Sender<Step>,
    mirrors: mpsc::Sender<Mirror>,
}

/// Why filling stopped: a session that writes has ended, and says why.
struct Ended;

/// Fills the tables of `writer`, which must be empty, with `entries`, which are what is in `log` up
/// to `head`, or what could be, where `left_out` is known to be left out later; tells `progress`
/// each position.
pub(crate) async fn fill(
    log: &SharedLog,
    writer: &Writer,
    entries: Course,
    left_out: &BTreeSet<Position>,
    progress: impl Fn(Position),
) -> Result<Filled, RunError> {
    let head = entries.to;
    let mut reader = writer.connection().await?;
    if !Checkpoint::lock(&mut reader, writer).await? {
        return Err(RunError::Fenced);
    }
    let empty = Checkpoint::open(&mut reader, log).await?;
    if empty.position != Position(0) {
        let reason = format!("{} is not empty", writer.schema());
        return Err(RunError::Halted { reason });
    }
    mirror::make_room(&mut reader, 0, entries.highest.0).await?;
    let (steps, rows) = written_by(session(writer).await?, write_step);
    let (mirrors, mirrored) = written_by(session(writer).await?, write_mirror);
    let mut filler = Filler {
        chain: Chain::of_everything(),
        folds: Folds::remembering(REMEMBERED),
        moments: Moments::default(),
        park: Park::of_everything(),
        reader,
        steps,
        mirrors,
    };
    filler.park.leave_out(left_out.clone());
    let followed = filler.follow(entries.entries, progress).await?;
    let Filler {
        park,
        mut reader,
        steps,
        mirrors,
        ..
    } = filler;
    // That the session has ended is told below.
    let _parked = steps.send(Step::Parked(park.changes())).await;
    drop((steps, mirrors));
    for written in [rows.await, mirrored.await] {
        let written = written.map_err(|ended| StoreError::Unavailable(ended.to_string()))?;
        match written {
            Ok(()) => {}
            Err(failure) => {
                return match store::class(&failure).as_deref() {
                    Some("22" | "54") => Ok(Filled::Refused(failure.to_string())),
                    _ => Err(failure.into()),
                };
            }
        }
    }
    if followed.is_err() {
        return Err(StoreError::Unavailable("a session has ended".to_owned()).into());
    }
    if !park.late().is_empty() {
        return Ok(Filled::LeavesOut(park.late().clone()));
    }
    let Some(last) = entry_at(log, head).await?.map(Reading::of) else {
        return Ok(Filled::UpTo(empty.position));
    };
    let reached = empty.after(&last);
    let (from, to) = (empty.position, reached.position);
    if !reached.advance(&mut reader, writer, from, &last).await? {
        return Err(RunError::Fenced);
    }
    reader.close().await?;
    Ok(Filled::UpTo(to))
}

impl Filler {
    /// Folds everything.
    async fn follow(
        &mut self,
        entries: Follow,
        progress: impl Fn(Position),
    ) -> Result<Result<(), Ended>, RunError> {
        let mut readings = std::pin::pin!(decoded(batches(entries)));
        while let Some((batch, failure)) = readings.next().await {
            if let Some(failure) = failure {
                return Err(failure.into());
            }
            let Some(end) = batch.last() else { continue };
            let reached = end.entry.position();
            for part in parts(batch) {
                if self.fold(part).await?.is_err() {
                    return Ok(Err(Ended));
                }
            }
            progress(reached);
        }
        Ok(Ok(()))
    }

    async fn fold(&mut self, batch: Vec<Reading>) -> Result<Result<(), Ended>, RunError> {
        let existing = self.chain.known(batch.iter().filter_map(Reading::stream));
        if self.load(&existing).await?.is_err() {
            return Ok(Err(Ended));
        }
        let mut mirror = Mirror::default();
        for reading in batch {
            self.moments.add(&reading.entry);
            judge(
                reading,
                &mut self.chain,
                &mut self.folds,
                &mut self.park,
                &mut mirror,
            );
        }
        while let Some(remedy) = self.park.next_asked() {
            if self.mend(remedy, &mut mirror).await?.is_err() {
                return Ok(Err(Ended));
            }
        }
        let rows = Step::Rows(Box::new(self.folds.take()), self.moments.clone());
        self.folds.settle();
        self.moments.settle();
        self.park.settle();
        let sent = (self.steps.send(rows).await, self.mirrors.send(mirror).await);
        Ok(match sent {
            (Ok(()), Ok(())) => Ok(()),
            _ => Err(Ended),
        })
    }
}

impl Filler {
    /// Does what is asked about what was parked.
    async fn mend(
        &mut self,
        remedy: Remedy,
        mirror: &mut Mirror,
    ) -> Result<Result<(), Ended>, RunError> {
        let stream = self.park.stream_at(remedy.position);
        let existing = self.chain.known(stream.into_iter());
        if self.load(&existing).await?.is_err() {
            return Ok(Err(Ended));
        }
        let waiting = self.park.take_up(remedy);
        let mut mending = Mending {
            chain: &mut self.chain,
            folds: &mut self.folds,
            park: &mut self.park,
        };
        for held in waiting {
            let reading = Reading::of(held.entry.clone());
            resume(held, reading, &mut mending, mirror);
        }
        Ok(Ok(()))
    }

    /// Reads the rows of `existing` aggregates that are not remembered.
    async fn load(&mut self, existing: &HashSet<StreamId>) -> Result<Result<(), Ended>, RunError> {
        if self.folds.know(existing) {
            return Ok(Ok(()));
        }
        // What is to be read may be about to be written.
        let (tell, written) = oneshot::channel();
        let sent = self.steps.send(Step::Written(tell)).await;
        if sent.is_err() || written.await.is_err() {
            return Ok(Err(Ended));
        }
        self.folds.load(&mut self.reader, existing).await?;
        Ok(Ok(()))
    }
}
