//! What can be asked about commits that could not be applied.
//!
//! Invariant: what changes something says so in its first words.

use clap::{Args, Subcommand};

use super::Place;

#[derive(Debug, Subcommand)]
pub enum Parked {
    /// List the commits that could not be applied, and those that were left out.
    List(Place),
    /// Try one again with this program's projector, and what waits behind it; exit code 1 if
    /// something of it stays parked.
    Retry(Retry),
    /// Leave one out for good, and try what waits behind it; exit code 1 if something of that stays
    /// parked.
    Skip(Skip),
}

#[derive(Args, Debug)]
pub struct Retry {
    /// Where the commit is in the log.
    #[arg(value_name = "POSITION", value_parser = clap::value_parser!(u64).range(1..))]
    pub position: u64,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub struct Skip {
    /// Where the commit is in the log.
    #[arg(value_name = "POSITION", value_parser = clap::value_parser!(u64).range(1..))]
    pub position: u64,
    /// Why, for whoever looks at it later: 1 to 500 characters.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub place: Place,
}
