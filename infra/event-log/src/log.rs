//! The contract of the log.
//!
//! Invariant: a commit is stored only if its aggregate's last commit is the one it expects, and its
//! command is not known there from moments ago; once acknowledged it is never lost, altered or
//! renumbered; and positions are contiguous from 1.

use std::{collections::HashSet, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{Stream, StreamExt as _};
use schemas::{Commit, Position, StreamId};

use crate::NewCommit;

/// The most commits that are stored together.
pub(crate) const BATCH_MAX: usize = 1_000;
/// The largest commit, headers included.
pub(crate) const COMMIT_MAX_BYTES: usize = 256 * 1024;
/// What headers may take of it: an actor's name is the only part of no fixed size.
const HEADERS_MAX_BYTES: usize = 4 * 1024;

/// For how long the log knows a command on an aggregate again by its id, whatever the expectation.
/// Beyond it only the expectation tells: a retry that fits one anew would be stored anew, which is
/// why `commands` looks for the id among the aggregate's commits.
pub(crate) const REPEATS_KNOWN: Duration = Duration::from_mins(2);

/// A log that several parts of a process share.
pub type SharedLog = Arc<dyn EventLog>;

/// The log as it grows: every entry once, in order, waiting at the end for more.
pub type Follow = Pin<Box<dyn Stream<Item = Result<Entry, LogError>> + Send>>;

/// A part of the log, some entries at a time: each once, in order, then the end.
pub type Scan = Pin<Box<dyn Stream<Item = Result<Vec<Entry>, LogError>> + Send>>;

/// What stands at a position.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "all but a handful of entries ever are commits"
)]
pub enum Entry {
    /// A commit whose headers can be read; its events may still be poison.
    Commit(Commit),
    /// A message that no commit of ours looks like.
    Unreadable(Unreadable),
}

/// A message of the log that is not a commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Unreadable {
    /// Its place.
    pub position: Position,
    /// The subject it was published to.
    pub subject: String,
    /// What it holds.
    pub payload: Vec<u8>,
    /// Why it is not a commit.
    pub reason: String,
}

/// Where the log ends, and which log it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Head {
    /// Tells this log from any other, also from one made later under the same name.
    pub incarnation: String,
    /// The last position; 0 when empty.
    pub position: Position,
}

/// Which copy of the log to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReadFrom {
    /// Any copy: fast, and on a cluster perhaps behind; the expectation catches that.
    Any,
    /// The copy that accepts writes.
    Leader,
}

/// Why an append did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// An aggregate's last commit is not the one expected, or its command was stored there moments
    /// ago; nothing was stored.
    #[error("the aggregate has changed")]
    Conflict,
    /// The log refuses the commit for what it is; nothing was stored.
    #[error("the log refused the commit: {0}")]
    Refused(String),
    /// The commit has more bytes than the log takes; nothing was stored.
    #[error("a commit of {bytes} bytes is larger than the log takes: at most {max}")]
    TooLarge {
        /// How many it has.
        bytes: usize,
        /// How many it may have.
        max: usize,
    },
    /// The log cannot take it now; nothing was stored.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
    /// No answer came; the commit may be stored or not. Its command id tells.
    #[error("the outcome is unknown: {0}")]
    Unknown(String),
}

/// Why the log cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// Positions are missing, so this is not the log it was.
    #[error("the log has a gap: after position {after} comes {found}")]
    Gap {
        /// The last position seen.
        after: Position,
        /// The position that came.
        found: Position,
    },
    /// The log cannot be reached.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
    /// An aggregate's history holds something that is not a commit.
    #[error("position {position} cannot be read: {reason}")]
    Unreadable {
        /// Where.
        position: Position,
        /// Why.
        reason: String,
    },
}

/// The log.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// Stores one commit and says where.
    async fn append(&self, commit: NewCommit) -> Result<Position, AppendError>;

    /// Stores commits of different aggregates, at most 1,000, all or none; says where, in their
    /// order.
    async fn append_all(&self, commits: Vec<NewCommit>) -> Result<Vec<Position>, AppendError>;

    /// What stands at `position`; none before the first and past the end.
    async fn at(&self, position: Position) -> Result<Option<Entry>, LogError>;

    /// The log from the place after `after` on, without end.
    async fn follow(&self, after: Position) -> Result<Follow, LogError>;

    /// Where the log ends now.
    async fn head(&self) -> Result<Head, LogError>;

    /// The commits of one aggregate after `after`, in order.
    async fn load(
        &self,
        stream: StreamId,
        after: Position,
        from: ReadFrom,
    ) -> Result<Vec<Commit>, LogError>;

    /// Stores entries of another log at the very places that they had there, 1 to 1,000 in a row,
    /// all or none; this log must end right before the first of them. What is no commit keeps its
    /// subject and its payload.
    async fn restore(&self, entries: Vec<Entry>) -> Result<(), AppendError> {
        let count = entries.len();
        let words = format!("this log takes no entries of another: {count} were given");
        Err(AppendError::Refused(words))
    }

    /// The log from the place after `after` up to and including `until`, which it must have
    /// reached. What was before a gap is given before the gap is told.
    async fn scan(&self, after: Position, until: Position) -> Result<Scan, LogError> {
        let wanted = usize::try_from(until.0.saturating_sub(after.0)).unwrap_or(usize::MAX);
        let entries = self.follow(after).await?.take(wanted);
        Ok(Box::pin(
            entries.map(|entry| entry.map(|entry| vec![entry])),
        ))
    }
}

/// Whether the log takes a commit of this size; asked first, so that none can spoil a batch.
pub(crate) fn check(commit: &NewCommit) -> Result<(), AppendError> {
    check_size(commit.payload.len())
}

/// Whether the log takes a payload of so many bytes.
pub(crate) fn check_size(bytes: usize) -> Result<(), AppendError> {
    let max = COMMIT_MAX_BYTES - HEADERS_MAX_BYTES;
    if bytes > max {
        return Err(AppendError::TooLarge { bytes, max });
    }
    Ok(())
}

/// Whether these may be stored together.
pub(crate) fn check_all(commits: &[NewCommit]) -> Result<(), AppendError> {
    if commits.is_empty() || commits.len() > BATCH_MAX {
        return Err(AppendError::Refused(format!(
            "a batch holds 1 to {BATCH_MAX} commits"
        )));
    }
    let mut streams = HashSet::new();
    if !commits.iter().all(|commit| streams.insert(commit.stream)) {
        return Err(AppendError::Refused("two commits on one aggregate".into()));
    }
    commits.iter().try_for_each(check)
}

impl Entry {
    /// Its place in the log.
    pub fn position(&self) -> Position {
        match self {
            Self::Commit(commit) => commit.position,
            Self::Unreadable(unreadable) => unreadable.position,
        }
    }
}
