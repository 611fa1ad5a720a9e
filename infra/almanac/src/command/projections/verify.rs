//! `almanac projections verify`
//!
//! Invariant: whatever was not compared is not said to hold.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context as _, Result};
use event_log::SharedLog;

use crate::cli::Place;

pub(super) async fn run(place: Place) -> Result<ExitCode> {
    let (log, overview) = super::open(place).await?;
    let log: SharedLog = Arc::new(log);
    let found = projections::verify(&log, &overview)
        .await
        .context("nothing could be compared")?;
    for difference in &found.differences {
        println!("✖ {difference}");
    }
    let unlisted = found.differences_total - found.differences.len() as u64;
    if unlisted > 0 {
        println!("✖ and {unlisted} more");
    }
    let mark = if found.holds() { '✔' } else { '✖' };
    println!(
        "{mark} {} rows compared with {} commits up to position {}: {} differences, {} parked, \
         {} left out",
        found.rows,
        found.commits,
        found.position.0,
        found.differences_total,
        found.parked,
        found.skipped
    );
    Ok(if found.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
