//! `almanac projections rebuild`
//!
//! Invariant: what would change is told before anything does.

use std::{cell::RefCell, process::ExitCode};

use anyhow::Result;
use projections::{
    difference,
    editions::{Edition, rebuild},
};
use serde_json::json;

use super::{Servers, is_read, refused};
use crate::{cli::Place, command::progress::Progress};

/// How many rows are shown of each table.
const SAMPLES: usize = 5;

pub(super) async fn run(place: Place) -> Result<ExitCode> {
    let Servers {
        log,
        overview,
        owner,
        writer,
    } = Servers::open(place).await?;
    let head = log.head().await?.position.0;
    let progress = RefCell::new(Progress::begin());
    let built = rebuild(&log, &owner, &writer, |at| {
        progress.borrow_mut().tell(at.0, head.max(at.0));
    });
    let built = built.await;
    progress.borrow_mut().end();
    let position = match built {
        Ok(position) => position,
        Err(failure) => return refused(failure),
    };
    let next = overview.beside(Edition::Next.schema());
    let differences = difference(&overview, &next, SAMPLES).await?;
    if !is_read() {
        println!(
            "{}",
            json!({ "built": Edition::Next.schema(), "position": position,
                "would_change": differences })
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "✔ {} holds {position} commits, built anew",
        Edition::Next.schema()
    );
    println!("{differences}");
    println!("  nothing that is served has changed → almanac projections swap");
    Ok(ExitCode::SUCCESS)
}
