//! Why an edition is not built or does not become live.
//!
//! Invariant: a refusal leaves everything that is read as it was, and says what to do.

use schemas::Position;

use super::Edition;
use crate::{RunError, StoreError};

/// Why an edition was not built, or did not become live.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// It cannot be, as things are.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The log or Postgres failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Why an edition cannot be built, or become live.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Another rebuild, swap or rollback is under way.
    #[error("another rebuild, swap or rollback is at work → wait until it has ended")]
    AtWork,
    /// Others hold what has to be locked for a moment.
    #[error(
        "statements that take long are in the way, of analysts or of a proof; nothing was changed \
         → try again when they have ended"
    )]
    Busy,
    /// It was not filled to the end.
    #[error("{} is incomplete: it was not filled to its end → {}", .0.schema(), remedy(*.0))]
    Incomplete(Edition),
    /// There is none.
    #[error("there is no {}: {}", .0.schema(), remedy(*.0))]
    Missing(Edition),
    /// It comes from another log.
    #[error(
        "{} was made from log {found}, but this is log {log} → {}", .edition.schema(),
        remedy(*.edition)
    )]
    OtherLog {
        /// Which.
        edition: Edition,
        /// What it was made from.
        found: String,
        /// What is there.
        log: String,
    },
    /// Its tables are of another version.
    #[error(
        "the tables of {} were made by another version than those of app → {}", .0.schema(),
        remedy(*.0)
    )]
    OtherVersion(Edition),
    /// The log is not what it holds.
    #[error("{} does not fit the log: {reason}", .edition.schema())]
    Unfit {
        /// Which.
        edition: Edition,
        /// In which way.
        reason: String,
    },
    /// It does not come as far as the live one is.
    #[error("{} has come to position {reached} and not to {wanted} in time → try again",
        .edition.schema())]
    TooSlow {
        /// Which.
        edition: Edition,
        /// How far it came.
        reached: Position,
        /// Where the live one is.
        wanted: Position,
    },
}

fn remedy(edition: Edition) -> &'static str {
    match edition {
        Edition::Live => "run `almanac setup` first",
        Edition::Next => "run `almanac projections rebuild` first",
        Edition::Previous => "there is nothing to go back to before a swap; rebuild instead",
    }
}

impl From<StoreError> for ExchangeError {
    fn from(failure: StoreError) -> Self {
        Self::Run(failure.into())
    }
}

impl From<sqlx::Error> for ExchangeError {
    fn from(failure: sqlx::Error) -> Self {
        Self::Run(failure.into())
    }
}
