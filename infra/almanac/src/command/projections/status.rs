//! `almanac projections status`
//!
//! Invariant: the read models are looked at before the log, so they are never said to be ahead.

use std::process::ExitCode;

use anyhow::Result;
use event_log::{Entry, EventLog as _, JetStreamLog, Position};
use projections::{
    editions::{Edition, Found, State, is_at_work, list},
    parked,
};
use runtime::Clock;
use serde_json::json;

use super::is_read;
use crate::cli::Place;

pub(super) async fn run(place: Place) -> Result<ExitCode> {
    let (log, overview) = super::open(place).await?;
    let reached = parked::list(&overview, None).await?;
    let editions = list(&overview, false).await?;
    let at_work = is_at_work(&overview).await?;
    let head = log.head().await?.position;
    let position = reached.position;
    let behind = head.0.saturating_sub(position.0);
    let (lag_ms, parked) = (lag_ms(&log, position, head).await?, reached.value.len());
    let next = editions.iter().find(|it| it.edition == Edition::Next);
    let previous = editions.iter().find(|it| it.edition == Edition::Previous);
    if !is_read() {
        let line = json!({
            "log": head, "position": position, "behind": behind, "lag_ms": lag_ms,
            "parked": parked, "next": next, "previous": previous, "at_work": at_work,
        });
        println!("{line}");
        return Ok(ExitCode::SUCCESS);
    }
    println!("log          {head}");
    println!("read models  {position} ({behind} behind, {lag_ms} ms)");
    println!("parked       {parked}");
    if let Some(next) = next {
        println!("next         {}", told(next, at_work));
    }
    if let Some(previous) = previous {
        println!("previous     {} (kept for a rollback)", previous.position);
    }
    Ok(ExitCode::SUCCESS)
}

/// How long ago the first commit was written that is not applied, in milliseconds.
async fn lag_ms(log: &JetStreamLog, position: Position, head: Position) -> Result<u64> {
    if position >= head {
        return Ok(0);
    }
    let Some(Entry::Commit(commit)) = log.at(position.next()).await? else {
        return Ok(0);
    };
    let lag_ms = Clock::system().now().since_ms(commit.meta.time);
    Ok(u64::try_from(lag_ms).unwrap_or_default())
}

fn told(next: &Found, is_at_work: bool) -> String {
    let position = next.position;
    match (next.state, is_at_work) {
        (State::Complete, false) => format!("{position} (waits for a swap)"),
        (State::Complete, true) => format!("{position} (catches up)"),
        (State::Filling, true) => format!("{position} (is being filled)"),
        (State::Filling, false) => format!("{position} (broken off; rebuild again)"),
    }
}
