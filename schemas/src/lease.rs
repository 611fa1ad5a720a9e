//! What is known of an attempt that is made outside of Almanac.
//!
//! Invariant: it is there exactly as long as somebody speaks for the attempt.

use serde::{Deserialize, Serialize};

/// An attempt that somebody outside has.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LeaseEntry {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// What is done.
    pub kind: String,
    /// What its worker calls itself.
    pub name: String,
    /// What its worker is called in the log, for this attempt alone.
    pub worker: String,
}
