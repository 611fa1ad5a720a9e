//! Who did or tried what: rows of the audit's stream, for as long as the stream keeps them.
//!
//! Invariant: a record is one row, whatever was stored twice or read again; rows and checkpoint
//! change in one transaction. Nothing of the log's read models depends on it, nor it on them.

mod follow;
mod query;

pub use follow::run;
pub use query::{AuditKey, AuditRow, Filter, list};
