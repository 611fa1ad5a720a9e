//! `almanac backup …`: one file for each question.
//!
//! Invariant: a set is believed only after each of its files was read with the digest that it says.

mod fetch;
mod list;
mod restore_vault;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use anyhow::Result;
use files::{Files, Key};
use scheduler::handlers::backup::{BackupSet, SETS, read_set};

use crate::cli::Backup;

pub(super) async fn run(asked: Backup) -> Result<ExitCode> {
    match asked {
        Backup::Fetch(asked) => fetch::run(asked).await,
        Backup::List(asked) => list::run(asked).await,
        Backup::RestoreVault(asked) => restore_vault::run(asked).await,
    }
}

/// All sets, the oldest first.
async fn sets(files: &Files) -> Result<Vec<(Key, BackupSet)>> {
    let mut sets = Vec::new();
    for found in files.list(SETS).await? {
        if let Some(set) = read_set(files, &found.key).await? {
            sets.push((found.key, set));
        }
    }
    Ok(sets)
}
