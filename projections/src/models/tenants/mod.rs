//! Tenants: whom everything else belongs to.
//!
//! Invariant: a tenant's row is its own: its id is that of its tenant.

mod query;

use std::sync::LazyLock;

use schemas::domain::tenant::Tenant;

use crate::models::{Model, Statements};

pub use query::{SortBy, get, list};

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements::of("tenants"));

impl Model for Tenant {
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
