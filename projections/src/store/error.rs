//! Why the read models gave no answer.
//!
//! Invariant: what may pass by itself is `Unavailable`; what will not is `Corrupt`.

use sqlx::Error;

/// Why the read models gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Postgres holds something, or is something, that this program does not understand.
    #[error("the read models are not as they must be: {0}")]
    Corrupt(String),
    /// Postgres cannot be reached, or not in time.
    #[error("the read models are unavailable: {0}")]
    Unavailable(String),
}

impl From<Error> for StoreError {
    fn from(failure: Error) -> Self {
        let told = failure.to_string();
        if is_passing(&failure) {
            Self::Unavailable(told)
        } else {
            Self::Corrupt(told)
        }
    }
}

/// The class of the server's error: the first two characters of its SQLSTATE.
pub(crate) fn class(failure: &Error) -> Option<String> {
    let code = failure.as_database_error()?.code()?;
    code.get(..2).map(str::to_owned)
}

/// Whether the connection was lost before or while it was used.
pub(super) fn is_broken_connection(failure: &Error) -> bool {
    matches!(failure, Error::Io(_) | Error::WorkerCrashed)
        || class(failure).is_some_and(|class| class == "08")
        || code_is(failure, "57P01")
        || code_is(failure, "57P02")
}

/// Connection trouble (08), rollback (40), lack of means (53), an operator (57), input and output
/// (58).
fn is_passing(failure: &Error) -> bool {
    match failure {
        Error::Io(_)
        | Error::PoolClosed
        | Error::PoolTimedOut
        | Error::Protocol(_)
        | Error::Tls(_)
        | Error::WorkerCrashed
        | Error::BeginFailed => true,
        other => class(other)
            .is_some_and(|class| matches!(class.as_str(), "08" | "40" | "53" | "57" | "58")),
    }
}

fn code_is(failure: &Error, code: &str) -> bool {
    failure
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|found| found == code)
}
