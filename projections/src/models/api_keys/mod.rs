//! API keys: programs' ways to ask in the name of somebody.
//!
//! Invariant: a key that was revoked is still shown; that it was is what people look for. What
//! somebody calls a key stays sealed in the row; whoever reads it needs the owner's key.

mod query;

use std::sync::LazyLock;

use schemas::domain::api_key::ApiKey;

use crate::models::{Model, Statements};

pub use query::{Filter, SortBy, get, list};

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements::of("api_keys"));

impl Model for ApiKey {
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
