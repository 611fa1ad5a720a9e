//! The editions of the read models: the live one, one that was built beside it, and the one before.
//!
//! An edition is a schema. A rebuild fills another one from the first commit on; a swap puts it in
//! the place of the live one, which is kept; a rollback exchanges those two again. All sessions
//! name tables without their schema, so they find those of the live edition whichever it is.
//!
//! Invariant: an edition becomes live in one transaction, at a position that the live one had not
//! passed, so no answer is of an earlier position than one before it. What is not derived from the
//! log, the audit, is in the live edition alone and moves along.

mod catch_up;
mod compare;
mod exchange;
mod list;
mod rebuild;
mod refusal;
mod standing;

pub use exchange::{Exchanged, rollback, swap};
pub use list::{Found, State, is_at_work, list};
pub use rebuild::{Built, rebuild};
pub use refusal::{ExchangeError, Refusal};

/// An edition by its place.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Edition {
    /// The one that is read.
    Live,
    /// The one that was built beside it.
    Next,
    /// The one that was live before.
    Previous,
}

impl Edition {
    /// All there can be.
    pub const ALL: [Self; 3] = [Self::Live, Self::Next, Self::Previous];

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Next => "next",
            Self::Previous => "previous",
        }
    }

    /// Its schema.
    pub const fn schema(self) -> &'static str {
        match self {
            Self::Live => "app",
            Self::Next => "app_next",
            Self::Previous => "app_previous",
        }
    }
}
