//! Settings: what tenants decide for themselves.
//!
//! Invariant: a row is that of its tenant, with its id; a tenant that has never changed anything
//! has none.

mod query;

use std::sync::LazyLock;

use schemas::domain::settings::Settings;

use crate::models::{Model, Statements};

pub use query::get;

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements::of("settings"));

impl Model for Settings {
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
