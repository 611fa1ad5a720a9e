//! `almanac log verify`.
//!
//! Invariant: what is found is told whole, and what was trusted to find it is told as well.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use event_log::{Against, Proof, Role, prove};

use super::{code, file};
use crate::{cli::Verify, command::progress::Progress, roles};

pub(super) async fn run(asked: Verify) -> Result<ExitCode> {
    let against = Against {
        checkpoints: asked
            .checkpoint
            .iter()
            .map(|path| file::note(path))
            .collect::<Result<_>>()?,
        keys: asked.key.as_deref().map_or(Ok(Vec::new()), file::keys)?,
    };
    let (nats, _) = asked.place.servers()?;
    let log = roles::open_log(&nats, Role::Analyst).await?;
    let mut progress = Progress::begin();
    let watch = |at: event_log::Position, of: event_log::Position| progress.tell(at.0, of.0);
    let proof = prove(&log, &against, watch).await;
    progress.end();
    let proof = proof.context("the log could not be read")?;
    print(&proof, asked.key.is_some());
    Ok(code(proof.holds()))
}

fn print(proof: &Proof, are_keys_given: bool) {
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
    if proof.checkpoints == 0 {
        println!("  no checkpoint: nothing but the log itself vouches for its tail");
        return;
    }
    println!(
        "  signed up to position {}: {} checkpoints hold",
        proof.covered.0, proof.checkpoints
    );
    let whose = if are_keys_given {
        "key"
    } else {
        "key, as the log itself says,"
    };
    for key in &proof.keys {
        println!("  {whose} {key}");
    }
}
