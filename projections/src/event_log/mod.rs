//! Every event, as the mirror of the log in Postgres tells it.
//!
//! Invariant: an event is read here only once the read models hold what it brought about.

mod query;
mod row;

use schemas::Version;
use serde::{Deserialize, Serialize};

pub(crate) use query::between;
pub use query::of_aggregate;
pub(crate) use row::live_events;

/// An event of an aggregate.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventKey {
    /// The aggregate's version after the event's commit.
    pub version: Version,
    /// Its place within the commit, from 0.
    pub index: u32,
}
