//! The projector: follows the log and keeps every read model at one position.
//!
//! Invariant: rows and checkpoint change in one transaction, so whatever fails, the next attempt
//! goes on exactly after the last commit that is in the rows: none is lost and none is applied
//! twice.

mod chain;
mod changed;
mod checkpoint;
mod copy;
mod counts;
mod courtesy;
mod decode;
mod fill;
mod fold;
mod folds;
mod mend;
mod mirror;
mod moments;
mod park;
mod parked_rows;
mod projector;
mod recent;
mod remedy;

use std::{convert::Infallible, time::Duration};

use event_log::{Entry, Follow, LogError, SharedLog};
use futures::{Stream, StreamExt as _, stream::ReadyChunks};
use schemas::Position;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{StoreError, Writer};
pub(crate) use checkpoint::Checkpoint;
use courtesy::Courtesy;
pub(crate) use decode::{Events, Reading};

pub(crate) use fill::{Course, Filled, fill};
pub use projector::Projector;
pub(crate) use remedy::Skip;

/// The most commits of one transaction; more only adds latency (measured: 500 to 1,000 rows are
/// best).
const BATCH: usize = 500;
/// How long a transaction may take before Postgres is taken for lost.
const APPLY_TIMEOUT: Duration = Duration::from_mins(1);
/// How long to wait after the first failure; doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(100);
/// The longest wait after a failure.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How often a standby looks whether it is needed.
const STANDBY: Duration = Duration::from_millis(500);

/// Why the projector stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another projector has moved the checkpoint, or what is already written was changed.
    #[error("another projector is at work on the same read models, or they were changed")]
    Fenced,
    /// The log is not the one that the read models come from.
    #[error("the projector has stopped: {reason}")]
    Halted {
        /// What is wrong, and what to do about it.
        reason: String,
    },
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Postgres failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps the read models up to date until shutdown. Waits as a standby while another does, and out
/// whatever passes by itself; returns an error only if a person has to look.
pub async fn run(
    log: SharedLog,
    writer: Writer,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    let mut pause = PAUSE;
    loop {
        // What a batch changes in all read models makes a future too large to be passed around.
        let following = Box::pin(follow(&log, &writer, &mut pause));
        match shutdown.run_until_cancelled(following).await {
            None => return Ok(()),
            Some(Err(halted @ RunError::Halted { .. })) => return Err(halted),
            Some(Err(failure)) => {
                tracing::warn!(%failure, pause_ms = pause.as_millis(), "the projector waits");
            }
        }
        shutdown.run_until_cancelled(sleep(pause)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Follows until something fails.
async fn follow(
    log: &SharedLog,
    writer: &Writer,
    pause: &mut Duration,
) -> Result<Infallible, RunError> {
    let mut projector = lead(log, writer).await?;
    let ended = keep_up(log, &mut projector, pause).await;
    // Whoever is next need not wait until Postgres sees that this one is gone.
    projector.end().await;
    ended
}

async fn keep_up(
    log: &SharedLog,
    projector: &mut Projector,
    pause: &mut Duration,
) -> Result<Infallible, RunError> {
    let (start, mut courtesy) = (projector.position(), Courtesy::default());
    tracing::info!(position = start.0, "the projector follows the log");
    let mut readings = std::pin::pin!(read(log.follow(start).await?));
    while let Some((reading, failure)) = readings.next().await {
        if !reading.is_empty() {
            let (size, began) = (reading.len(), Instant::now());
            apply(projector, reading).await?;
            *pause = PAUSE;
            let now = Instant::now();
            sleep(courtesy.rest(size, now - began, now)).await;
        }
        match failure {
            None => {}
            Some(LogError::Gap { after, found }) if after == start => {
                let reason = format!(
                    "commits between positions {after} and {found} are gone from the log; restore \
                     it from a backup"
                );
                return Err(RunError::Halted { reason });
            }
            Some(failure) => return Err(failure.into()),
        }
    }
    Err(LogError::Unavailable("it ended".to_owned()).into())
}

/// Waits until no other projector is at work.
async fn lead(log: &SharedLog, writer: &Writer) -> Result<Projector, RunError> {
    let mut waits = false;
    loop {
        if let Some(projector) = Projector::open(log, writer).await? {
            return Ok(projector);
        }
        if !waits {
            tracing::info!("another projector is at work; this one stands by");
            waits = true;
        }
        sleep(STANDBY).await;
    }
}

pub(crate) async fn apply(
    projector: &mut Projector,
    reading: Vec<Reading>,
) -> Result<Position, RunError> {
    match timeout(APPLY_TIMEOUT, projector.apply_read(reading)).await {
        Ok(applied) => applied,
        Err(_) => Err(StoreError::Unavailable("a transaction does not end".to_owned()).into()),
    }
}

/// What waits in the log, in batches, decoded while the batch before is written. A failure comes
/// after the entries before it.
pub(crate) fn read(
    entries: Follow,
) -> impl Stream<Item = (Vec<Reading>, Option<LogError>)> + Send + use<> {
    let chunks: ReadyChunks<Follow> = entries.ready_chunks(BATCH);
    decoded(chunks.map(until_failure))
}

/// Decodes batches while the one before is written.
fn decoded<S>(batches: S) -> impl Stream<Item = (Vec<Reading>, Option<LogError>)> + Send + use<S>
where
    S: Stream<Item = (Vec<Entry>, Option<LogError>)> + Send,
{
    batches
        .map(|(entries, failure)| async {
            // A lone commit is decoded faster than handed to another thread.
            if entries.len() < 8 {
                return (entries.into_iter().map(Reading::of).collect(), failure);
            }
            let decoding = tokio::task::spawn_blocking(|| {
                entries.into_iter().map(Reading::of).collect::<Vec<_>>()
            });
            match decoding.await {
                Ok(reading) => (reading, failure),
                Err(ended) => (vec![], Some(LogError::Unavailable(ended.to_string()))),
            }
        })
        .buffered(2)
}

fn until_failure(chunk: Vec<Result<Entry, LogError>>) -> (Vec<Entry>, Option<LogError>) {
    let mut entries = Vec::with_capacity(chunk.len());
    for item in chunk {
        match item {
            Ok(entry) => entries.push(entry),
            Err(failure) => return (entries, Some(failure)),
        }
    }
    (entries, None)
}

impl From<sqlx::Error> for RunError {
    fn from(failure: sqlx::Error) -> Self {
        Self::Store(failure.into())
    }
}
