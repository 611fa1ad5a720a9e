//! Where the log ends, held against what the read models have reached.
//!
//! Invariant: the log is asked after the read models' position is known, so one that grows is never
//! taken for one that has lost commits.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use schemas::Position;

use crate::app::App;

/// How long the log may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
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
pub(crate) struct LogEnd(Mutex<(Option<Instant>, Option<Behind>)>);

impl LogEnd {
    /// Whether the log is known to be behind; it is asked once in a while.
    pub async fn check(&self, app: &App) -> Result<(), Behind> {
        // Who is first to find that it is time asks; nobody waits for them. While there is no
        // connection there is nothing to ask, and the first to have one again does.
        let found = {
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = found;
        found.map_or(Ok(()), Err)
    }
}

/// Where the log ends now.
pub(crate) async fn head(app: &App) -> Result<Position, Unusable> {
    let reached = app.freshness.position();
    let head = tokio::time::timeout(ANSWERS_WITHIN, (app.log.head)());
    match head.await {
        Ok(Some(head)) if head < reached => Err(Behind { head, reached }.into()),
        Ok(Some(head)) => Ok(head),
        _ => Err(Unusable::Silent),
    }
}
