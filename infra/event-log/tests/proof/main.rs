//! What proves the log: its own hashes, signed checkpoints, and receipts.
//!
//! Invariant: whatever is done to a log behind its back is found, and what is found is named.

mod disk;
mod receipts;
mod signed;
mod story;
