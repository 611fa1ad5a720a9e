//! The disk: appending 8 KiB and waiting until it is there; making and deleting a batch's files.
//!
//! Invariant: the files are beside those of the servers, so it is the same disk.

use std::{fs, io::Write as _, path::Path, time::Instant};

use anyhow::{Context as _, Result};

use crate::{
    latency::Latencies,
    load::{Measured, Scale},
};

const BLOCK: [u8; 8 * 1024] = [0x5a; 8 * 1024];

/// One `fdatasync` after the other.
pub async fn synced_writes(scale: Scale) -> Result<Measured> {
    tokio::task::spawn_blocking(move || write(scale))
        .await
        .context("the disk writer")?
}

fn write(scale: Scale) -> Result<Measured> {
    let mut file = tempfile::tempfile().context("a scratch file")?;
    let mut latencies = Latencies::new();
    let begin = Instant::now();
    while begin.elapsed() < scale.measure {
        let started = Instant::now();
        file.write_all(&BLOCK)?;
        file.sync_data()?;
        latencies.record(started.elapsed());
    }
    Ok(Measured::within(latencies, begin.elapsed()))
}

/// The files that the server keeps for each atomic batch, made, synced and deleted, one set after
/// the other.
pub async fn batch_files(scale: Scale) -> Result<Measured> {
    tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().context("a scratch folder")?;
        let mut latencies = Latencies::new();
        let begin = Instant::now();
        while begin.elapsed() < scale.measure {
            let started = Instant::now();
            one_batch(&folder.path().join("batch"))?;
            latencies.record(started.elapsed());
        }
        Ok(Measured::within(latencies, begin.elapsed()))
    })
    .await
    .context("the disk writer")?
}

/// As seen in the server's system calls: a folder with two more, a block of messages, a
/// description and its sum.
fn one_batch(folder: &Path) -> Result<()> {
    let messages = folder.join("msgs");
    let consumers = folder.join("obs");
    fs::create_dir(folder)?;
    fs::create_dir(&messages)?;
    fs::create_dir(&consumers)?;
    for name in ["meta.inf", "meta.sum", "msgs/1.blk"] {
        let mut file = fs::File::create(folder.join(name))?;
        file.write_all(&BLOCK[..512])?;
        file.sync_all()?;
    }
    fs::remove_dir_all(folder)?;
    Ok(())
}
