//! What can be asked about the read models.
//!
//! Invariant: what changes something says so in its first words.

use clap::{Args, Subcommand};

use super::{Parked, Place};

#[derive(Debug, Subcommand)]
pub enum Projections {
    /// List the editions there are: live, next and previous, with their rows and sizes.
    List(Place),
    /// Look after the commits that could not be applied.
    #[command(subcommand)]
    Parked(Parked),
    /// Build all read models anew beside the live ones, and say what a swap would change.
    ///
    /// All are built at once, and none by itself: they share one position, which the answer to
    /// every question tells. Nothing that is served changes before `almanac projections swap`.
    Rebuild(Place),
    /// Let the previous edition be the live one again, as it would be by now.
    Rollback(Place),
    /// Say how far the read models are, and whether others are built or wait.
    Status(Place),
    /// Let the next edition be the live one, and keep that as the previous one.
    Swap(Place),
    /// Prove that the read models are what the log says; exit code 1 if they are not.
    Verify(Compared),
}

#[derive(Args, Debug)]
pub struct Compared {
    /// Name every difference, not only the first 100; a program is told all in any case.
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub place: Place,
}
