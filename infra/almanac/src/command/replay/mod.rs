//! `almanac replay`: the read models of a past moment, and those that would be.
//!
//! Invariant: the live read models are read at most; what was built to compare is gone afterwards,
//! unless it is to be kept.

mod past;
mod what_if;

use std::{
    cell::RefCell,
    io::{IsTerminal as _, stdout},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, Result};
use event_log::{Position, Role, SharedLog};
use projections::{
    Overview, Owner, Writer,
    replay::{ReplayError, position_at},
};

use super::progress::Progress;
use crate::{
    cli::{Replay, Until},
    roles,
};

/// What it takes: the log, and each way into the database.
struct Servers {
    log: SharedLog,
    overview: Overview,
    owner: Owner,
    writer: Writer,
}

pub(super) async fn run(asked: Replay) -> Result<ExitCode> {
    let Some(to) = asked.to else {
        return drop_all(&asked).await;
    };
    let servers = Servers::open(&asked).await?;
    let to = servers.position(to).await?;
    let answer = if asked.with.is_some() || !asked.without.is_empty() {
        what_if::run(&asked, &servers, to).await
    } else {
        past::run(&asked, &servers, to).await
    };
    match answer.map_err(anyhow::Error::downcast::<ReplayError>) {
        Ok(code) => Ok(code),
        Err(Ok(ReplayError::Refused(told))) => {
            eprintln!("✖ {told} → almanac replay --help");
            Ok(ExitCode::from(2))
        }
        Err(Ok(failure)) => Err(failure.into()),
        Err(Err(failure)) => Err(failure),
    }
}

/// Removes what an earlier replay built.
async fn drop_all(asked: &Replay) -> Result<ExitCode> {
    let (owner, _) = asked.place.builders()?;
    let owner = Owner::connect(&owner).await?;
    let [was, would] = compared(asked);
    for schema in [asked.schema.clone(), was, would] {
        let dropped = owner.drop_scratch(&schema).await;
        dropped.with_context(|| format!("{schema} stays"))?;
    }
    if stdout().is_terminal() {
        println!("✔ {} is gone", asked.schema);
    } else {
        println!("{}", serde_json::json!({ "dropped": asked.schema }));
    }
    Ok(ExitCode::SUCCESS)
}

/// The schemas of what was and what would be: not the one of a past that somebody may look at.
fn compared(asked: &Replay) -> [String; 2] {
    ["was", "what_if"].map(|word| format!("{}_{word}", asked.schema))
}

/// Tells how far it has come, of so much.
fn watch(progress: &RefCell<Progress>, of: u64) -> impl Fn(Position) {
    move |at| progress.borrow_mut().tell(at.0, of)
}

impl Servers {
    async fn open(asked: &Replay) -> Result<Self> {
        let (nats, postgres) = asked.place.servers()?;
        let (owner, projector) = asked.place.builders()?;
        Ok(Self {
            log: Arc::new(roles::open_log(&nats, Role::Analyst).await?),
            overview: Overview::of_everything(&postgres).await?,
            owner: Owner::connect(&owner).await?,
            writer: Writer::connect(&projector).await?,
        })
    }

    async fn position(&self, until: Until) -> Result<Position> {
        Ok(match until {
            Until::Position(position) => Position(position),
            Until::Time(time) => position_at(&self.log, &self.overview, time).await?,
        })
    }
}
