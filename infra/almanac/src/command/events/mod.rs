//! `almanac events …`: one file for each question.
//!
//! Invariant: the log itself is asked, never the read models; only an import writes.

mod check;
mod export;
mod import;
mod list;
mod show;
mod tail;
mod told;

use std::process::ExitCode;

use anyhow::Result;
use event_log::{JetStreamLog, Role};

use crate::{
    cli::{Events, Place},
    roles,
};

pub(super) async fn run(asked: Events) -> Result<ExitCode> {
    match asked {
        Events::Check(asked) => check::run(asked).await,
        Events::Export(asked) => export::run(asked).await,
        Events::Import(asked) => import::run(asked).await,
        Events::List(asked) => list::run(asked).await,
        Events::Show(asked) => show::run(asked).await,
        Events::Tail(asked) => tail::run(asked).await,
    }
}

/// The log, as who looks and changes nothing.
async fn open(place: &Place) -> Result<JetStreamLog> {
    let (nats, _) = place.servers()?;
    roles::open_log(&nats, Role::Analyst).await
}
