//! Rows of the read models, as handlers read them.
//!
//! Invariant: a question that is wrong ends its task for good, with the words of Postgres; one that
//! nobody could answer is asked again.

use std::time::Duration;

use domain::task::TaskError;
use projections::{ExtractError, Extracts, StoreError};
use tokio::time::Instant;

use super::{AttemptContext, Outcome, error};

/// When an attempt comes again whose worker cannot make it: another may take it up.
const ELSEWHERE_MS: u64 = 30_000;

/// Where extracts are read, or the end of an attempt whose worker has no such place.
pub fn place(extracts: Option<&Extracts>) -> Result<&Extracts, Outcome> {
    extracts.ok_or_else(|| elsewhere("worker.postgres_url"))
}

/// The end of an attempt that this worker cannot make for want of `key` in its configuration.
pub fn elsewhere(key: &str) -> Outcome {
    let why = format!("this worker cannot do it: {key} of its configuration is not set");
    Outcome::Retry(TaskError {
        retry_after_ms: Some(ELSEWHERE_MS),
        ..error("kind_unavailable", why, true)
    })
}

/// How long a question may take: `limit` at most, and no longer than the attempt.
pub fn limit(context: &AttemptContext, limit: Duration) -> Duration {
    let left = context.deadline.saturating_duration_since(Instant::now());
    left.min(limit)
}

/// The end of a task whose rows are not given.
pub fn failed(reason: ExtractError) -> Outcome {
    match reason {
        ExtractError::Refused(_) => Outcome::fail("query_refused", reason),
        ExtractError::RowTooLarge(_) => Outcome::fail("row_too_large", reason),
        ExtractError::TooLong => Outcome::fail("query_too_long", reason),
        ExtractError::TooManyRows(_) => Outcome::fail("too_many_rows", reason),
        ExtractError::Store(StoreError::Unavailable(_)) => {
            Outcome::retry("read_models_unavailable", reason)
        }
        ExtractError::Store(StoreError::Corrupt(_)) => {
            Outcome::retry("read_models_corrupt", reason)
        }
    }
}
