//! Users: people who sign in.
//!
//! Invariant: personal text stays sealed in the row; whoever reads it needs the person's key.

mod query;

use std::sync::LazyLock;

use schemas::domain::user::User;

use crate::models::{Model, Statements};

pub use query::{Filter, SortBy, get, list};

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements::of("users"));

impl Model for User {
    fn statements() -> &'static Statements {
        &STATEMENTS
    }

    fn bucket(&self) -> Option<&str> {
        Some("all")
    }

    fn lives(&self) -> bool {
        true
    }
}
