//! Resources: what is operated.
//!
//! Invariant: a deleted resource has no current row.

mod query;

use std::sync::LazyLock;

use schemas::domain::resource::Resource;

use crate::models::{Model, Statements};

pub use query::{Filter, SortBy, get, list};

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements::of("resources"));

impl Model for Resource {
    fn statements() -> &'static Statements {
        &STATEMENTS
    }

    fn bucket(&self) -> Option<&str> {
        Some(self.type_name.as_str())
    }

    fn lives(&self) -> bool {
        !self.deleted
    }
}
