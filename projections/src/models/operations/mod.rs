//! Operations: what was or is done to many tasks at once, and how far it has come.
//!
//! Invariant: an operation never leaves.

mod query;

use std::sync::LazyLock;

use schemas::domain::operation::Operation;

use crate::models::{Model, Statements};

pub use query::get;

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements::of("operations"));

impl Model for Operation {
    fn statements() -> &'static Statements {
        &STATEMENTS
    }

    fn bucket(&self) -> Option<&str> {
        None
    }

    fn lives(&self) -> bool {
        true
    }
}
