//! `almanac log checkpoint` and `almanac log keys`.
//!
//! Invariant: what is printed is what others can check; no private half leaves the vault.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use commands::Notary;
use domain::{
    TenantId,
    log_checkpoint::{LogCheckpoint, LogCheckpointEvent},
};
use event_log::{EventLog as _, Position, ReadFrom, Role, checkpoints};
use schemas::catalogue;

use crate::{
    cli::{Checkpoint, LogKeys, Place},
    command::keys::owned,
    roles,
};

/// Prints the last checkpoint.
pub(super) async fn print(asked: Checkpoint) -> Result<ExitCode> {
    let note = if asked.sign {
        signed(asked.place).await?
    } else {
        last(&asked.place).await?
    };
    print!("{note}");
    Ok(ExitCode::SUCCESS)
}

/// The last checkpoint after one was signed, if there was something to sign.
async fn signed(place: Place) -> Result<String> {
    let (commands, vault) = owned(place).await?;
    Notary::new(commands.clone(), vault).sign().await?;
    let id = TenantId::MAIN.uuid();
    let found = commands.state::<LogCheckpoint>(TenantId::MAIN, id).await?;
    let found = found.context("there is nothing to sign: the log is empty")?;
    Ok(found.state.last.note)
}

async fn last(place: &Place) -> Result<String> {
    let (nats, _) = place.servers()?;
    let log = roles::open_log(&nats, Role::Analyst).await?;
    let commits = log.load(checkpoints(), Position(0), ReadFrom::Any).await?;
    let last = commits
        .last()
        .context("there is no checkpoint yet → almanac log checkpoint --sign")?;
    let events = catalogue::decode::<LogCheckpointEvent>(&last.payload)?;
    let notes = events.into_iter();
    let notes = notes.map(|LogCheckpointEvent::Signed(signed)| signed.note);
    Ok(notes.collect())
}

/// Prints the public keys.
pub(super) async fn keys(asked: LogKeys) -> Result<ExitCode> {
    let notary = notary(asked.place).await?;
    if asked.rotate {
        notary.rotate().await?;
        // So that the old key vouches for the new one before anything else is signed.
        notary.sign().await?;
    }
    for key in notary.keys().await? {
        println!("{key}");
    }
    Ok(ExitCode::SUCCESS)
}

async fn notary(place: Place) -> Result<Notary> {
    let (commands, vault) = owned(place).await?;
    Ok(Notary::new(commands, vault))
}
