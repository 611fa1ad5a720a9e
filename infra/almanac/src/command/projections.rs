//! `almanac projections verify | status | parked`.
//!
//! Invariant: nothing is changed by looking.

use std::process::ExitCode;

use ::projections::{Overview, parked, verify};
use anyhow::{Context as _, Result};
use event_log::{EventLog as _, JetStreamLog, Role, SharedLog};
use std::sync::Arc;

use crate::{
    cli::{Place, Projections},
    roles,
};

pub(super) async fn run(asked: Projections) -> Result<ExitCode> {
    match asked {
        Projections::Parked(place) => list_parked(place).await,
        Projections::Status(place) => status(place).await,
        Projections::Verify(place) => prove(place).await,
    }
}

async fn prove(place: Place) -> Result<ExitCode> {
    let (log, overview) = open(place).await?;
    let log: SharedLog = Arc::new(log);
    let found = verify(&log, &overview)
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
        "{mark} {} rows compared with {} commits up to position {}: {} differences, {} parked",
        found.rows, found.commits, found.position.0, found.differences_total, found.parked
    );
    Ok(if found.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn status(place: Place) -> Result<ExitCode> {
    let (log, overview) = open(place).await?;
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

async fn list_parked(place: Place) -> Result<ExitCode> {
    let (_log, overview) = open(place).await?;
    for commit in parked::list(&overview, None).await?.value {
        let aggregate = commit
            .kind
            .zip(commit.id)
            .map(|(kind, id)| format!("{kind}/{id}"));
        let whose = aggregate.or(commit.subject).unwrap_or_default();
        println!("{}\t{whose}\t{}", commit.position.0, commit.reason);
    }
    Ok(ExitCode::SUCCESS)
}

async fn open(place: Place) -> Result<(JetStreamLog, Overview)> {
    let (nats, postgres) = place.servers()?;
    let log = roles::open_log(&nats, Role::Analyst).await?;
    Ok((log, Overview::of_everything(&postgres).await?))
}
