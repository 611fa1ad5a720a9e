//! What was found to differ.
//!
//! Invariant: all are counted, a hundred are kept.

use schemas::{StreamId, domain::TenantId};
use uuid::Uuid;

use super::Difference;

const KEPT: usize = 100;

/// What was found to differ.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) first: Vec<Difference>,
    pub(super) total: u64,
}

impl Findings {
    pub(super) fn add(
        &mut self,
        model: &'static str,
        (tenant, id): (TenantId, Uuid),
        what: impl Into<String>,
    ) {
        self.total += 1;
        if self.first.len() < KEPT {
            self.first.push(Difference {
                model,
                tenant,
                id,
                what: what.into(),
            });
        }
    }

    /// Something about a commit rather than a row.
    pub(super) fn about(&mut self, stream: StreamId, what: impl Into<String>) {
        self.add("event_log", (stream.tenant, stream.id), what);
    }
}
