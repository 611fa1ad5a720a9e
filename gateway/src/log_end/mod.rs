//! Where the log ends, held against what the read models have reached.
//!
//! It is asked four times a second, so that every answer can say how old it may be; nobody waits
//! for that.
//!
//! Invariant: the log is asked after the read models' position is known, so one that grows is never
//! taken for one that has lost commits.

mod seen;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use schemas::Position;
use tokio::time::sleep;

use crate::app::App;
use seen::Seen;

/// How long the log may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// How often it is asked.
const EVERY: Duration = Duration::from_millis(250);
/// For how long reads rely on what was found last.
const HOLDS: Duration = Duration::from_secs(1);

/// The log ends before what the read models tell of: it was put back to an earlier state.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the log ends at position {head}, but the read models have reached {reached}")]
pub(crate) struct Behind {
    head: Position,
    reached: Position,
}

/// Why nobody knows where the log ends, or that it ends too early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error(transparent)]
    Behind(#[from] Behind),
    #[error("the log does not say where it ends")]
    Silent,
}

/// What was found last, and when.
#[derive(Default)]
pub(crate) struct LogEnd {
    last: Mutex<(Option<Instant>, Option<Behind>)>,
    seen: Mutex<Seen>,
}

impl LogEnd {
    /// Whether the log is known to be behind; it is asked once in a while.
    pub async fn check(&self, app: &App) -> Result<(), Behind> {
        // Who is first to find that it is time asks; nobody waits for them. While there is no
        // connection there is nothing to ask, and the first to have one again does.
        let found = {
            let mut last = lock(&self.last);
            let is_old = last.0.is_none_or(|asked| asked.elapsed() >= HOLDS);
            if is_old && (app.log.is_connected)() {
                last.0 = Some(Instant::now());
                None
            } else {
                Some(last.1)
            }
        };
        if let Some(found) = found {
            return found.map_or(Ok(()), Err);
        }
        let found = match head(app).await {
            Ok(_) => None,
            Err(Unusable::Behind(behind)) => Some(behind),
            Err(Unusable::Silent) => return Ok(()),
        };
        lock(&self.last).1 = found;
        found.map_or(Ok(()), Err)
    }

    /// How old an answer as of `position` may be: whatever was acknowledged longer ago is in it;
    /// none while that is not known.
    pub fn age(&self, position: Position) -> Option<Duration> {
        lock(&self.seen).age(position, Instant::now())
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks where the log ends again and again, as long as somebody serves it.
pub(crate) fn watch(app: &App) {
    let app = app.downgrade();
    tokio::spawn(async move {
        while let Some(app) = app.upgrade() {
            if (app.log.is_connected)() {
                // Whoever needs to know that it was silent finds out.
                let _silent = head(&app).await;
            }
            drop(app);
            sleep(EVERY).await;
        }
    });
}

/// Where the log ends now.
pub(crate) async fn head(app: &App) -> Result<Position, Unusable> {
    let (reached, asked) = (app.freshness.position(), Instant::now());
    let head = tokio::time::timeout(ANSWERS_WITHIN, (app.log.head)());
    let Ok(Some(head)) = head.await else {
        return Err(Unusable::Silent);
    };
    lock(&app.log_end.seen).note(head, asked);
    if head < reached {
        return Err(Behind { head, reached }.into());
    }
    Ok(head)
}
