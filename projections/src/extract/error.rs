//! Why there is no extract.
//!
//! Invariant: what is wrong with a question is told in the words of Postgres, which show nothing
//! but the question and what it may see.

use sqlx::Error;

use crate::store::{StoreError, class};

/// Why there is no extract.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ExtractError {
    /// The question is none, or asks for what it may not see.
    #[error("the query is refused: {0}")]
    Refused(String),
    /// A row has more bytes than it may.
    #[error("row {0} has more than 1 MiB")]
    RowTooLarge(u64),
    /// Postgres gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It takes longer than it may.
    #[error("the query takes longer than it may")]
    TooLong,
    /// It has more rows than it may.
    #[error("there are more than {0} rows")]
    TooManyRows(u64),
}

impl From<Error> for ExtractError {
    fn from(failure: Error) -> Self {
        let told = failure.as_database_error();
        let code = told.and_then(sqlx::error::DatabaseError::code);
        if code.as_deref() == Some("57014") {
            return Self::TooLong;
        }
        // Data (22), cardinality (21), transaction state (25), what is spelled or not allowed (42),
        // what Postgres does not support (0A), limits of a program (54).
        let is_theirs = class(&failure)
            .is_some_and(|class| ["0A", "21", "22", "25", "42", "54"].contains(&&*class));
        match told {
            Some(told) if is_theirs => Self::Refused(told.message().to_owned()),
            _ => Self::Store(failure.into()),
        }
    }
}
