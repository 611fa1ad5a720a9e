//! `almanac projections parked`
//!
//! Invariant: every commit that could not be applied is told, with the reason.

use std::process::ExitCode;

use anyhow::Result;
use projections::parked;

use crate::cli::Place;

pub(super) async fn list(place: Place) -> Result<ExitCode> {
    let (_log, overview) = super::open(place).await?;
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
