//! What can be asked about backups.
//!
//! Invariant: what changes something says so in its first words.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Place;

#[derive(Debug, Subcommand)]
pub enum Backup {
    /// Get a backup out of the store of files into a folder, each file checked.
    Fetch(FetchBackup),
    /// List the backups there are, the oldest first.
    List(ListBackups),
    /// Write the sealed secrets of a fetched backup into a vault that holds none, as the owner.
    RestoreVault(RestoreVault),
}

#[derive(Args, Debug)]
pub struct ListBackups {
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub struct FetchBackup {
    /// An empty folder, or one that is not there yet.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The last backup that goes no further than this position; the last one without it.
    #[arg(long)]
    pub position: Option<u64>,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub struct RestoreVault {
    /// The folder of a fetched backup.
    #[arg(value_name = "DIR")]
    pub from: PathBuf,
    #[command(flatten)]
    pub place: Place,
}
