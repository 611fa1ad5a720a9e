//! Tasks: what is to be done, what is being done, and what came of it.
//!
//! Invariant: a task never leaves; slots that were skipped are rows as well, told apart by their
//! status.

mod ahead;
mod query;

use std::sync::LazyLock;

use schemas::domain::task::Task;

use crate::models::{Model, Statements};

pub use ahead::{Ahead, ahead};
pub use query::{Filter, SortBy, get, list};

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements::of("tasks"));

impl Model for Task {
    fn statements() -> &'static Statements {
        &STATEMENTS
    }

    fn bucket(&self) -> Option<&str> {
        Some(self.status.name())
    }

    fn lives(&self) -> bool {
        true
    }
}
