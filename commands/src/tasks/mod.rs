//! What concerns more than one task: those that come first, those with the same uniqueness key,
//! those that are created together.
//!
//! Invariant: what must hold between aggregates is stored in one atomic batch, or asked of the log
//! before; nothing here decides what a task decides.

mod batch;
mod dependencies;
mod unique;

pub use batch::{BATCH_MAX, BatchError, BatchReceipt};
pub use unique::UniqueError;
