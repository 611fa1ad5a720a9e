//! When a job is due: cron, interval or once, and the slots that follow from it.
//!
//! Invariant: the slots of a schedule are strictly increasing in UTC and depend on nothing but the
//! schedule and the starting instant, so any process computes the same slots.
//!
//! Daylight saving, for cron: a fixed time inside the spring gap is due at the first instant after
//! the gap; a fixed time in the autumn overlap is due at its first occurrence only. A time is fixed
//! if its fields name one minute of one hour; ranges, lists, steps and wildcards follow every real
//! hour.

mod calendar;
#[cfg(test)]
mod oracle;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Timestamp;
pub use calendar::{Calendar, InvalidSchedule};

/// The shortest interval, in milliseconds.
pub const INTERVAL_MIN_MS: u64 = 100;
/// The longest interval: one year, in milliseconds.
pub const INTERVAL_MAX_MS: u64 = 365 * 24 * 3_600_000;

/// A rule for the instants at which a job is due.
#[derive(Clone, Debug, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Schedule {
    /// A cron pattern of five fields, or six with seconds first, in an IANA time zone. Where both
    /// day fields are restricted either one suffices, as POSIX has it.
    Cron {
        /// Such as `0 2 * * *` or `@daily`.
        #[schema(examples("0 2 * * *"))]
        expression: String,
        /// Such as `Europe/Berlin`.
        #[serde(default = "utc")]
        #[schema(examples("UTC"))]
        timezone: String,
    },
    /// Every so many milliseconds, counted from the Unix epoch, whatever the clocks on the wall do.
    Interval {
        /// From 100 ms to one year.
        #[schema(minimum = 100, maximum = 31_536_000_000_u64)]
        every_ms: u64,
    },
    /// At one instant.
    Once {
        /// The instant.
        at: Timestamp,
    },
}

fn utc() -> String {
    "UTC".to_owned()
}
