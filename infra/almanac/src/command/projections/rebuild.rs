//! `almanac projections rebuild`
//!
//! Invariant: what would change is told before anything does.

use std::{cell::RefCell, process::ExitCode};

use anyhow::Result;
use projections::editions::{Built, Edition, rebuild};
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
    let servers = (&owner, &writer, &overview);
    let built = rebuild(&log, servers, SAMPLES, |at| {
        progress.borrow_mut().tell(at.0, head.max(at.0));
    });
    let built = built.await;
    progress.borrow_mut().end();
    let Built {
        position,
        would_change,
    } = match built {
        Ok(built) => built,
        Err(failure) => return refused(failure),
    };
    let schema = Edition::Next.schema();
    if !is_read() {
        let line = json!({ "built": schema, "position": position, "would_change": would_change });
        println!("{line}");
        return Ok(ExitCode::SUCCESS);
    }
    println!("✔ {schema} holds {position} commits, built anew");
    println!("{would_change}");
    println!("  nothing that is served has changed → almanac projections swap");
    Ok(ExitCode::SUCCESS)
}
