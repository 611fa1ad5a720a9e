//! `almanac projections status`
//!
//! Invariant: the read models are looked at before the log, so they are never said to be ahead.

use std::process::ExitCode;

use anyhow::Result;
use event_log::EventLog as _;
use projections::parked;

use crate::cli::Place;

pub(super) async fn run(place: Place) -> Result<ExitCode> {
    let (log, overview) = super::open(place).await?;
    let reached = parked::list(&overview, None).await?;
    let head = log.head().await?.position.0;
    let position = reached.position.0;
    println!("log          {head}");
    println!(
        "read models  {position} ({} behind)",
        head.saturating_sub(position)
    );
    println!("parked       {}", reached.value.len());
    Ok(ExitCode::SUCCESS)
}
