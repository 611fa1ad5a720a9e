//! `almanac replay --to …`
//!
//! Invariant: it says where what was built is, and how to look at it.

use std::{
    cell::RefCell,
    io::{IsTerminal as _, stdout},
    process::ExitCode,
};

use anyhow::Result;
use event_log::Position;
use projections::{Differences, difference, replay::replay};
use serde::Serialize;

use super::{Servers, watch};
use crate::{cli::Replay, command::progress::Progress};

/// What was built.
#[derive(Serialize)]
struct Past<'a> {
    schema: &'a str,
    position: Position,
    /// What the live read models have besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Differences>,
}

pub(super) async fn run(asked: &Replay, servers: &Servers, to: Position) -> Result<ExitCode> {
    let Servers {
        log,
        overview,
        owner,
        writer,
    } = servers;
    let progress = RefCell::new(Progress::begin());
    let watching = watch(&progress, to.0);
    let made = replay(log, owner, writer, &asked.schema, to, watching).await;
    progress.borrow_mut().end();
    let (schema, position) = (&asked.schema, made?);
    let since = if asked.difference {
        let past = overview.beside(schema);
        Some(difference(&past, overview, asked.samples).await?)
    } else {
        None
    };
    if !stdout().is_terminal() {
        let told = Past {
            schema,
            position,
            difference: since,
        };
        println!("{}", serde_json::to_string(&told)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("✔ schema {schema} holds the read models as of position {position}");
    println!("  as almanac_auditor: select status, count(*) from {schema}.tasks group by status;");
    println!("  to remove it: almanac replay --drop --schema {schema}");
    if let Some(since) = since {
        println!("what the live read models have besides:\n{since}");
    }
    Ok(ExitCode::SUCCESS)
}
