//! `almanac log decode --all`.
//!
//! Invariant: what this program could not read is named, each with its reason.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use event_log::Role;
use projections::gate;

use super::code;
use crate::{cli::Place, command::progress::Progress, roles};

pub(super) async fn run(place: Place) -> Result<ExitCode> {
    let (nats, _) = place.servers()?;
    let log = roles::open_log(&nats, Role::Analyst).await?;
    let mut progress = Progress::begin();
    let watch = |at: event_log::Position, of: event_log::Position| progress.tell(at.0, of.0);
    let passage = gate::decode_all(&log, watch).await;
    progress.end();
    let passage = passage.context("the log could not be read")?;
    for refused in &passage.refused {
        println!("✖ {refused}");
    }
    let unlisted = passage.refused_total - passage.refused.len() as u64;
    if unlisted > 0 {
        println!("✖ and {unlisted} more");
    }
    for skipped in &passage.skipped {
        println!("· {skipped}");
    }
    let mark = if passage.is_clear() { '✔' } else { '✖' };
    println!(
        "{mark} {} commits up to position {} decode and fold with version {}: {} do not, {} \
         more are left out",
        passage.commits,
        passage.position.0,
        env!("CARGO_PKG_VERSION"),
        passage.refused_total,
        passage.skipped_total
    );
    Ok(code(passage.is_clear()))
}
