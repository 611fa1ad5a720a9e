//! `almanac projections swap | rollback`
//!
//! Invariant: it says that another edition is live only once it is.

use std::{cell::RefCell, process::ExitCode};

use anyhow::Result;
use event_log::Position;
use projections::editions::{Edition, rollback, swap};
use serde_json::json;

use super::{Servers, is_read, refused};
use crate::{cli::Place, command::progress::Progress};

pub(super) async fn run(place: Place, with: Edition) -> Result<ExitCode> {
    let Servers {
        log, owner, writer, ..
    } = Servers::open(place).await?;
    let head = log.head().await?.position.0;
    let progress = RefCell::new(Progress::begin());
    let watch = |at: Position| {
        let mut progress = progress.borrow_mut();
        progress.tell_step("catching up", at.0, head.max(at.0));
    };
    let exchanged = match with {
        Edition::Previous => rollback(&log, &owner, &writer, watch).await,
        _ => swap(&log, &owner, &writer, watch).await,
    };
    progress.borrow_mut().end();
    let exchanged = match exchanged {
        Ok(exchanged) => exchanged,
        Err(failure) => return refused(failure),
    };
    if !is_read() {
        println!("{}", json!({ "swapped": with.name(), "live": exchanged }));
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "✔ the {} edition is live at position {}, as generation {}",
        with.name(),
        exchanged.position,
        exchanged.generation
    );
    println!(
        "  reads waited {} ms, the projector {} ms",
        exchanged.waited_ms, exchanged.held_ms
    );
    println!("  what was live is kept → almanac projections rollback");
    Ok(ExitCode::SUCCESS)
}
