//! What the system tests know by themselves: what was asked of the system, and what must follow.
//!
//! Invariant: nothing here speaks to the system under test, so its faults cannot hide in here.

mod checker;
mod journal;

pub use checker::{Verdict, check};
pub use journal::{Journal, Outcome, read_journal};
