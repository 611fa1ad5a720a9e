//! `almanac projections …`: one file for each question.
//!
//! Invariant: nothing is changed by looking; what is built is seen by nobody before a swap; what is
//! decided about a parked commit is an event.

mod exchange;
mod list;
mod parked;
mod rebuild;
mod status;
mod verify;

use std::{
    io::{IsTerminal as _, stdout},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Result;
use event_log::{JetStreamLog, Role, SharedLog};
use projections::{
    Overview, Owner, Writer,
    editions::{Edition, ExchangeError},
};

use crate::{
    cli::{Place, Projections},
    roles,
};

pub(super) async fn run(asked: Projections) -> Result<ExitCode> {
    match asked {
        Projections::List(place) => list::run(place).await,
        Projections::Parked(asked) => Box::pin(parked::run(asked)).await,
        Projections::Rebuild(place) => rebuild::run(place).await,
        Projections::Rollback(place) => exchange::run(place, Edition::Previous).await,
        Projections::Status(place) => status::run(place).await,
        Projections::Swap(place) => exchange::run(place, Edition::Next).await,
        Projections::Verify(asked) => verify::run(asked).await,
    }
}

/// What is there to look at.
async fn open(place: Place) -> Result<(JetStreamLog, Overview)> {
    let (nats, postgres) = place.servers()?;
    let log = roles::open_log(&nats, Role::Analyst).await?;
    Ok((log, Overview::of_everything(&postgres).await?))
}

/// What editions are built and exchanged with.
struct Servers {
    log: SharedLog,
    overview: Overview,
    owner: Owner,
    writer: Writer,
}

impl Servers {
    async fn open(place: Place) -> Result<Self> {
        let (owner, projector) = place.builders()?;
        let (log, overview) = open(place).await?;
        Ok(Self {
            log: Arc::new(log),
            overview,
            owner: Owner::connect(&owner).await?,
            writer: Writer::connect(&projector).await?,
        })
    }
}

/// Whether a person reads what is printed; a program gets JSON.
fn is_read() -> bool {
    stdout().is_terminal()
}

/// What was refused is an answer; what failed is not.
fn refused(failure: ExchangeError) -> Result<ExitCode> {
    let ExchangeError::Refused(refusal) = failure else {
        return Err(failure.into());
    };
    if is_read() {
        println!("✖ {refusal}");
    } else {
        println!("{}", serde_json::json!({ "refused": refusal.to_string() }));
    }
    Ok(ExitCode::FAILURE)
}
