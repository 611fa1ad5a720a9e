//! `almanac log verify`.
//!
//! Invariant: nothing is changed by looking.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use event_log::{Role, prove};

use crate::{
    cli::{Log, Place},
    roles,
};

pub(super) async fn run(asked: Log) -> Result<ExitCode> {
    match asked {
        Log::Verify(place) => verify(place).await,
    }
}

async fn verify(place: Place) -> Result<ExitCode> {
    let (nats, _) = place.servers()?;
    let log = roles::open_log(&nats, Role::Analyst).await?;
    let proof = prove(&log).await.context("the log could not be read")?;
    for finding in &proof.findings {
        println!("✖ {finding}");
    }
    let unlisted = proof.findings_total - proof.findings.len() as u64;
    if unlisted > 0 {
        println!("✖ and {unlisted} more");
    }
    let mark = if proof.holds() { '✔' } else { '✖' };
    println!(
        "{mark} {} commits of {} aggregates up to position {}: {} findings",
        proof.commits, proof.aggregates, proof.position.0, proof.findings_total
    );
    Ok(if proof.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
