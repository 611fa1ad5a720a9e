//! What can be asked about pasts, and about histories that were not.
//!
//! Invariant: what needs a moment is refused without one.

use std::{path::PathBuf, str::FromStr};

use clap::{ArgGroup, Args};
use domain::Timestamp;

use super::Place;

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("supposed").args(["with", "without"]).multiple(true))]
pub struct Replay {
    /// Up to which commit: its position, or a time (RFC 3339) for the last one at or before it.
    #[arg(long, value_name = "MOMENT", required_unless_present = "drop")]
    pub to: Option<Until>,
    /// The schema to build in, beside the live one.
    #[arg(long, default_value = "replay", value_name = "NAME")]
    pub schema: String,
    /// Compare with the live read models.
    #[arg(long, conflicts_with_all = ["drop", "without", "with"])]
    pub difference: bool,
    /// Say what would be had this commit never been. May be given more than once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub without: Vec<u64>,
    /// Say what would be had these commits been: one JSON object on each line, `{"after":56,
    /// "tenant":…,"kind":"task","id":…,"events":[{"type":…,"v":1,"data":{…}}]}`, with `time` and
    /// `actor` where they matter; - for standard input.
    #[arg(long, value_name = "FILE")]
    pub with: Option<PathBuf>,
    /// Keep what was built to find out what would be: `NAME_was` and `NAME_what_if`.
    #[arg(long, requires = "supposed")]
    pub keep: bool,
    /// How many rows of each kind of difference to show of each table.
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub samples: usize,
    /// Remove what was built, and do nothing else.
    #[arg(long, conflicts_with_all = ["to", "without", "with"])]
    pub drop: bool,
    #[command(flatten)]
    pub place: Place,
}

/// A moment of the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Until {
    /// A commit.
    Position(u64),
    /// The last commit at or before it.
    Time(Timestamp),
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(position));
        }
        let time = text.parse().map(Self::Time);
        time.map_err(|_| "neither a position nor a time (RFC 3339)".to_owned())
    }
}
