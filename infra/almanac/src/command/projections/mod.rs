//! `almanac projections …`: one file for each question.
//!
//! Invariant: nothing is changed by looking; only what is decided about a parked commit changes
//! something, by an event.

mod parked;
mod status;
mod verify;

use std::process::ExitCode;

use anyhow::Result;
use event_log::{JetStreamLog, Role};
use projections::Overview;

use crate::{
    cli::{Place, Projections},
    roles,
};

pub(super) async fn run(asked: Projections) -> Result<ExitCode> {
    match asked {
        Projections::Parked(asked) => Box::pin(parked::run(asked)).await,
        Projections::Status(place) => status::run(place).await,
        Projections::Verify(place) => verify::run(place).await,
    }
}

/// What is there to look at.
async fn open(place: Place) -> Result<(JetStreamLog, Overview)> {
    let (nats, postgres) = place.servers()?;
    let log = roles::open_log(&nats, Role::Analyst).await?;
    Ok((log, Overview::of_everything(&postgres).await?))
}
