//! `almanac log receipt` and `almanac log check-receipt`.
//!
//! Invariant: checking asks no server and no clock: the receipt and the key decide.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use event_log::{Position, Receipt, ReceiptError, Role, receipt};
use schemas::catalogue::decode_records;

use super::file;
use crate::{
    cli::{CheckReceipt, ReceiptOf},
    roles,
};

/// Prints what proves a commit.
pub(super) async fn print(asked: ReceiptOf) -> Result<ExitCode> {
    let (nats, _) = asked.place.servers()?;
    let log = roles::open_log(&nats, Role::Analyst).await?;
    let receipt = match receipt(&log, Position(asked.position)).await {
        Err(early @ ReceiptError::Early(_)) => bail!("{early} → almanac log checkpoint --sign"),
        receipt => receipt?,
    };
    println!("{}", serde_json::to_string_pretty(&receipt)?);
    Ok(ExitCode::SUCCESS)
}

/// Says what a receipt proves.
pub(super) fn check(asked: &CheckReceipt) -> Result<ExitCode> {
    let keys = file::keys(&asked.key)?;
    let text = file::text(&asked.receipt)?;
    let named = || format!("{} is no receipt", asked.receipt.display());
    let receipt: Receipt = serde_json::from_str(&text).with_context(named)?;
    let attested = match receipt.check(&keys) {
        Ok(attested) => attested,
        Err(reason) => {
            println!("✖ it proves nothing: {reason}");
            return Ok(ExitCode::FAILURE);
        }
    };
    let (commit, checkpoint) = (attested.commit, attested.checkpoint);
    let events = decode_records(&commit.payload).unwrap_or_default();
    let events: Vec<_> = events.iter().map(|event| event.name.as_ref()).collect();
    let (stream, meta) = (commit.stream, &commit.meta);
    println!(
        "✔ position {} of {} is {} {} of tenant {}, version {}: {}",
        commit.position,
        checkpoint.origin,
        stream.kind.name(),
        stream.id,
        stream.tenant,
        meta.version,
        events.join(", ")
    );
    println!(
        "  by {} at {}, command {}",
        meta.actor, meta.time, meta.command
    );
    println!("  digest {}", meta.hash);
    println!("  signed with the {} commits up to there", checkpoint.size);
    Ok(ExitCode::SUCCESS)
}
