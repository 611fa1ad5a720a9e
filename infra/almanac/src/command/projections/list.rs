//! `almanac projections list`
//!
//! Invariant: the editions are looked at before the log, so none is said to be ahead of it.

use std::process::ExitCode;

use anyhow::Result;
use event_log::EventLog as _;
use projections::editions::{Found, State, list};
use serde_json::json;

use super::is_read;
use crate::cli::Place;

pub(super) async fn run(place: Place) -> Result<ExitCode> {
    let (log, overview) = super::open(place).await?;
    let editions = list(&overview, true).await?;
    let head = log.head().await?.position.0;
    for found in &editions {
        let behind = head.saturating_sub(found.position.0);
        if is_read() {
            print(found, behind);
        } else {
            let mut line = serde_json::to_value(found)?;
            line["behind"] = json!(behind);
            println!("{line}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(found: &Found, behind: u64) {
    println!(
        "{:<9} {:<13} position {} ({behind} behind), {}, {}",
        found.edition.name(),
        found.schema,
        found.position,
        made(found),
        size(found.bytes)
    );
    for (table, rows) in &found.rows {
        println!("  {table:<24} {rows:>12}");
    }
}

fn made(found: &Found) -> String {
    match (found.state, found.filled_at) {
        (State::Filling, _) => "is filled, or that was broken off".to_owned(),
        (State::Complete, Some(at)) => format!("filled {at}"),
        (State::Complete, None) => "written from the first commit on".to_owned(),
    }
}

fn size(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
