//! Resource types: what attributes the resources of a type may have.
//!
//! Invariant: the id of a type follows from its name, so a name finds at most one.

mod query;

use std::sync::LazyLock;

use schemas::domain::resource_type::ResourceType;

use crate::models::{Model, Statements};

pub use query::{SortBy, get, list};

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements::of("resource_types"));

impl Model for ResourceType {
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
