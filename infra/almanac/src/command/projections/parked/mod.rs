//! `almanac projections parked …`: what could not be applied, and what becomes of it.
//!
//! Invariant: what is decided is an event of the log; the read models change by it alone.

mod decide;
mod list;

use std::process::ExitCode;

use anyhow::Result;
use projections::Overview;

use crate::cli::{Parked, Place};

pub(super) async fn run(asked: Parked) -> Result<ExitCode> {
    match asked {
        Parked::List(place) => list::run(place).await,
        Parked::Retry(asked) => decide::retry(asked).await,
        Parked::Skip(asked) => decide::skip(asked).await,
    }
}

/// The read models alone: the log is another user's for who decides something.
async fn overview(place: &Place) -> Result<Overview> {
    let (_nats, postgres) = place.servers()?;
    Ok(Overview::of_everything(&postgres).await?)
}
