//! What was found to differ.
//!
//! Invariant: all are counted and told at once, a hundred are kept.

use schemas::{StreamId, domain::TenantId};
use uuid::Uuid;

use super::{Difference, Told};

const KEPT: usize = 100;
/// After how many rows to tell how far the comparison is.
const EVERY: u64 = 1_000;

/// What was found to differ.
pub(super) struct Findings<'a> {
    pub(super) first: Vec<Difference>,
    /// About how many rows there are to compare.
    pub(super) rows: u64,
    pub(super) total: u64,
    compared: u64,
    tell: &'a mut (dyn FnMut(Told<'_>) + Send),
}

impl<'a> Findings<'a> {
    /// None yet.
    pub(super) fn new(tell: &'a mut (dyn FnMut(Told<'_>) + Send)) -> Self {
        Self {
            first: Vec::new(),
            rows: 0,
            total: 0,
            compared: 0,
            tell,
        }
    }

    pub(super) fn add(
        &mut self,
        model: &'static str,
        (tenant, id): (TenantId, Uuid),
        what: impl Into<String>,
    ) {
        let difference = Difference {
            model,
            tenant,
            id,
            what: what.into(),
        };
        self.total += 1;
        (self.tell)(Told::Difference(&difference));
        if self.first.len() < KEPT {
            self.first.push(difference);
        }
    }

    /// Something about a commit rather than a row.
    pub(super) fn about(&mut self, stream: StreamId, what: impl Into<String>) {
        self.add("event_log", (stream.tenant, stream.id), what);
    }

    /// One commit of so many is folded.
    pub(super) fn folded(&mut self, commits: u64, of: u64) {
        if commits.is_multiple_of(EVERY) || commits == of {
            (self.tell)(Told::Folded { commits, of });
        }
    }

    /// One more row is compared.
    pub(super) fn compared(&mut self) {
        self.compared += 1;
        let (rows, of) = (self.compared, self.rows.max(self.compared));
        if rows.is_multiple_of(EVERY) || rows == of {
            (self.tell)(Told::Compared { rows, of });
        }
    }
}
