//! The disk: appending 8 KiB and waiting until it is there.
//!
//! Invariant: the file is beside those of the servers, so it is the same disk.

use std::{io::Write as _, time::Instant};

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
