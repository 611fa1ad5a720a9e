//! What can be asked about the read models.
//!
//! Invariant: what changes something says so in its first words.

use clap::Subcommand;

use super::Place;

#[derive(Debug, Subcommand)]
pub enum Projections {
    /// List the commits that could not be applied.
    Parked(Place),
    /// Say how far the read models are.
    Status(Place),
    /// Prove that the read models are what the log says; exit code 1 if they are not.
    Verify(Place),
}
