//! What can be asked about the read models.
//!
//! Invariant: what changes something says so in its first words.

use clap::Subcommand;

use super::{Parked, Place};

#[derive(Debug, Subcommand)]
pub enum Projections {
    /// Look after the commits that could not be applied.
    #[command(subcommand)]
    Parked(Parked),
    /// Say how far the read models are.
    Status(Place),
    /// Prove that the read models are what the log says; exit code 1 if they are not.
    Verify(Place),
}
