//! `almanac backup fetch`
//!
//! Invariant: the folder holds the whole set or the command has failed; nothing that was there
//! before is written over.

use std::{fs, io::Write as _, path::Path, process::ExitCode};

use anyhow::{Context as _, Result, ensure};
use files::{Digest, Files};
use futures::StreamExt as _;
use scheduler::handlers::backup::BackupFile;
use serde_json::json;

use crate::cli::FetchBackup;

pub(super) async fn run(asked: FetchBackup) -> Result<ExitCode> {
    let files = asked.place.files()?;
    let mut sets = super::sets(&files).await?;
    if let Some(position) = asked.position {
        sets.retain(|(_, set)| set.copied.position <= position);
    }
    let (_, set) = sets
        .pop()
        .context("there is no such backup → almanac backup list")?;
    fs::create_dir_all(&asked.out)?;
    ensure!(
        fs::read_dir(&asked.out)?.next().is_none(),
        "{} is not empty → name another folder",
        asked.out.display()
    );
    for file in &set.files {
        fetch(&files, file, &asked.out).await?;
    }
    let told = json!({
        "position": set.copied.position, "root": set.copied.root, "files": set.files.len(),
        "made_at": set.made_at,
    });
    println!("{told}");
    Ok(ExitCode::SUCCESS)
}

/// Writes a file of the set into `folder`.
async fn fetch(files: &Files, file: &BackupFile, folder: &Path) -> Result<()> {
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.');
    ensure!(
        file.path.split('/').all(plain),
        "{:?} leads elsewhere",
        file.path
    );
    let path = folder.join(&file.path);
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    let mut to = fs::File::create_new(&path)?;
    let (mut reading, mut digest) = (files.read(&file.key).await?, Digest::default());
    while let Some(part) = reading.parts.next().await {
        let part = part?;
        digest.update(&part);
        to.write_all(&part)?;
    }
    to.sync_all()?;
    let found = digest.finish();
    ensure!(
        found == (file.bytes, file.sha256.clone()),
        "{} was altered in the store: it has another SHA-256",
        file.path
    );
    Ok(())
}
