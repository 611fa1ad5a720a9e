//! When a job is due: cron, interval or once, and the slots that follow from it.
//!
//! Invariant: the slots of a schedule are strictly increasing in UTC and depend on nothing but the
//! schedule and the starting instant, so any process computes the same slots.
//!
//! Daylight saving, for cron: a fixed time inside the spring gap is due at the first instant after
//! the gap; a fixed time in the autumn overlap is due at its first occurrence only. A time is fixed
//! if its fields name one minute of one hour; ranges, lists, steps and wildcards follow every real
//! hour. [`DstGap`] and [`DstOverlap`] say otherwise, for ranges and lists too; wildcards and steps
//! follow every real hour whatever is said.

mod calendar;
mod oddity;
#[cfg(test)]
mod oracle;
mod pattern;
mod scan;
mod wall;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Timestamp;
pub use calendar::{Calendar, InvalidSchedule};
pub use oddity::Oddity;
pub use scan::Scan;

/// The shortest interval, in milliseconds.
pub const INTERVAL_MIN_MS: u64 = 100;
/// The longest interval: one year, in milliseconds.
pub const INTERVAL_MAX_MS: u64 = 365 * 24 * 3_600_000;

/// A rule for the instants at which a job is due.
#[derive(Clone, Debug, Eq, Hash, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
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
        /// What becomes of a time that the clocks leave out when they are put forward. Without it
        /// a single time is due right after the gap, and times of lists and ranges are not due.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dst_gap: Option<DstGap>,
        /// When a time is due that the clocks show twice as they are put back. Without it a single
        /// time is due the first time, and times of lists and ranges both times.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dst_overlap: Option<DstOverlap>,
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

/// What becomes of a time that the clocks leave out.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DstGap {
    /// It is due at the first instant after the gap.
    After,
    /// It is not due on that day.
    Skip,
}

/// When a time is due that the clocks show twice.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DstOverlap {
    /// Each time.
    Both,
    /// The first time.
    First,
    /// The second time.
    Second,
}

impl Schedule {
    /// A cron pattern in a zone, with the usual rules for daylight saving.
    pub fn cron(expression: impl Into<String>, timezone: impl Into<String>) -> Self {
        Self::Cron {
            expression: expression.into(),
            timezone: timezone.into(),
            dst_gap: None,
            dst_overlap: None,
        }
    }
}

fn utc() -> String {
    "UTC".to_owned()
}
