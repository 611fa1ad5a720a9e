//! What can be asked about the log.
//!
//! Invariant: what changes something says so in its first words.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Place;

#[derive(Debug, Subcommand)]
pub enum Log {
    /// Check a receipt, without any server; exit code 1 if it proves nothing.
    CheckReceipt(CheckReceipt),
    /// Print the last signed checkpoint, to be kept elsewhere.
    Checkpoint(Checkpoint),
    /// Decode and fold every commit with this program, as before a deploy; exit code 1 if one is
    /// refused.
    Decode(Decode),
    /// Print the public keys that checkpoints are checked by, the current one first.
    Keys(LogKeys),
    /// Print what proves a commit to whoever has the public key.
    Receipt(ReceiptOf),
    /// Prove that the log is whole and as it was written and signed; exit code 1 if it is not.
    Verify(Verify),
}

#[derive(Args, Debug)]
pub struct CheckReceipt {
    /// The receipt; - for standard input.
    #[arg(value_name = "FILE")]
    pub receipt: PathBuf,
    /// The public keys that are trusted, as `almanac log keys` prints them.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
}

#[derive(Args, Debug)]
pub struct Checkpoint {
    /// Sign one over everything so far first, as the owner.
    #[arg(long)]
    pub sign: bool,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub struct Decode {
    /// From the first commit to the last.
    #[arg(long, required = true)]
    pub all: bool,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub struct LogKeys {
    /// Make the next key first; one more checkpoint is signed by the old one as well.
    #[arg(long)]
    pub rotate: bool,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub struct ReceiptOf {
    /// Which commit.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub position: u64,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub struct Verify {
    /// A checkpoint that was kept elsewhere: it tells if the log has become shorter. May be given
    /// more than once.
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Vec<PathBuf>,
    /// The public keys that are trusted; without it, those of the first checkpoint in the log.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    #[command(flatten)]
    pub place: Place,
}
