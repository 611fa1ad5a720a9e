//! Jobs: what is due when, and what then happens.
//!
//! Invariant: a deleted job has no current row.

mod query;

use std::sync::LazyLock;

use schemas::domain::job::{Job, JobStatus};

use crate::models::{Model, Statements};

pub use query::{Filter, SortBy, get, list};

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements::of("jobs"));

impl Model for Job {
    fn statements() -> &'static Statements {
        &STATEMENTS
    }

    fn bucket(&self) -> Option<&str> {
        Some(status_name(self.status))
    }

    fn lives(&self) -> bool {
        self.status != JobStatus::Deleted
    }
}

/// The name on the wire.
fn status_name(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Active => "active",
        JobStatus::Deleted => "deleted",
        JobStatus::Paused => "paused",
    }
}
