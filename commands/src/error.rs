//! Why a command did not succeed: rejected, in conflict, or failed.
//!
//! Invariant: a rejection leaves nothing behind; a failure says whether something may have been
//! stored.

use event_log::{AppendError, LogError, VaultError};
use schemas::Version;

/// Why a command did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommandError<R: std::error::Error> {
    /// Others changed the aggregate each time this command was about to; nothing was stored.
    #[error("the aggregate is being changed by others; try again")]
    Contended,
    /// The world broke.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The aggregate says no.
    #[error("{0}")]
    Rejected(R),
    /// The command's id belongs to another request.
    #[error("the command id was used for another request")]
    Reused,
    /// The aggregate is not at the version that the asker has seen.
    #[error("expected version {expected}, current version is {current}")]
    VersionMismatch {
        /// What the asker has seen.
        expected: Version,
        /// What there is; 0 if there is nothing.
        current: Version,
    },
}

/// How the world broke.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Failure {
    /// Too much is asked at once; nothing was stored.
    #[error("busy: {0}")]
    Busy(&'static str),
    /// Something stored cannot be read.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
    /// The commit is refused for what it is; nothing was stored.
    #[error("the commit was refused: {0}")]
    Refused(String),
    /// What the command wants recorded is more than one commit holds; nothing was stored.
    #[error("{bytes} bytes to record are too many: at most {max}")]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        max: usize,
    },
    /// What is needed cannot be reached; nothing was stored.
    #[error("temporarily unavailable: {0}")]
    Unavailable(String),
    /// No answer came: the command may have been stored. A retry with the same command id tells.
    #[error("the outcome is unknown, ask again with the same command id: {0}")]
    Unknown(String),
}

/// Appends that no answer came to, while a command is tried on.
///
/// A copy may still be on its way, so what fails after one of them is no proof that nothing was
/// stored.
#[derive(Debug, Default)]
pub(crate) struct Unheard(Option<String>);

impl Unheard {
    pub(crate) fn note(&mut self, reason: String) {
        self.0 = Some(reason);
    }

    /// What to say of `failure`.
    pub(crate) fn of(&self, failure: Failure) -> Failure {
        match &self.0 {
            Some(reason) => Failure::Unknown(reason.clone()),
            None => failure,
        }
    }

    /// What to say in the end, `error` if all was heard.
    pub(crate) fn or<R: std::error::Error>(self, error: CommandError<R>) -> CommandError<R> {
        self.0
            .map_or(error, |reason| Failure::Unknown(reason).into())
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Unavailable(reason) => Self::Unavailable(reason),
            LogError::Gap { .. } | LogError::Unreadable { .. } => Self::Corrupt(error.to_string()),
        }
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Sealed(_) => Self::Corrupt(error.to_string()),
            VaultError::Conflict => Self::Unavailable(error.to_string()),
            VaultError::Unavailable(reason) => Self::Unavailable(reason),
        }
    }
}

impl Failure {
    /// Whether nothing was stored, for certain.
    pub(crate) const fn is_definite(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }

    /// What to say where a command that is stored, it seems, could not be read.
    pub(crate) fn of_stored(error: LogError) -> Self {
        match error.into() {
            Self::Unavailable(reason) => Self::Unknown(reason),
            other => other,
        }
    }

    /// What an append that is not a conflict failed with.
    pub(crate) fn of_append(error: AppendError) -> Self {
        match error {
            AppendError::Conflict => Self::Unavailable("conflict".into()),
            AppendError::Refused(reason) => Self::Refused(reason),
            AppendError::TooLarge { bytes, max } => Self::TooLarge { bytes, max },
            AppendError::Unavailable(reason) => Self::Unavailable(reason),
            AppendError::Unknown(reason) => Self::Unknown(reason),
        }
    }
}
