//! `almanac projections verify`
//!
//! Invariant: whatever was not compared is not said to hold; a program is told every difference,
//! each on a line of its own as it is found, and after them what was compared.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context as _, Result};
use event_log::SharedLog;
use projections::{Difference, Told, Verification, verify_telling};
use serde_json::json;

use super::is_read;
use crate::{cli::Compared, command::progress::Progress};

/// How many differences a person is shown who did not ask for all.
const SHOWN: u64 = 100;

/// Tells somebody what is found.
struct Teller {
    all: bool,
    is_read: bool,
    progress: Progress,
    shown: u64,
    /// Why a line could not be written.
    failed: Option<serde_json::Error>,
}

pub(super) async fn run(asked: Compared) -> Result<ExitCode> {
    let (log, overview) = super::open(asked.place).await?;
    let log: SharedLog = Arc::new(log);
    let mut teller = Teller {
        all: asked.all,
        is_read: is_read(),
        progress: Progress::begin(),
        shown: 0,
        failed: None,
    };
    let found = verify_telling(&log, &overview, |told| teller.tell(told)).await;
    teller.progress.end();
    let found = found.context("nothing could be compared")?;
    if let Some(failure) = teller.failed {
        return Err(failure.into());
    }
    if teller.is_read {
        print(&found, teller.shown);
    } else {
        let mut line = serde_json::to_value(&found)?;
        line["holds"] = json!(found.holds());
        println!("{line}");
    }
    Ok(ExitCode::from(u8::from(!found.holds())))
}

impl Teller {
    fn tell(&mut self, told: Told<'_>) {
        match told {
            Told::Compared { rows, of } => self.progress.tell_step("comparing", rows, of),
            Told::Difference(difference) => self.difference(difference),
            Told::Folded { commits, of } => self.progress.tell_step("folding", commits, of),
        }
    }

    fn difference(&mut self, difference: &Difference) {
        if !self.is_read {
            match serde_json::to_string(difference) {
                Ok(line) => println!("{line}"),
                Err(failure) => self.failed = Some(failure),
            }
        } else if self.all || self.shown < SHOWN {
            self.shown += 1;
            self.progress.end();
            println!("✖ {difference}");
        }
    }
}

fn print(found: &Verification, shown: u64) {
    let unlisted = found.differences_total - shown;
    if unlisted > 0 {
        println!("✖ and {unlisted} more → almanac projections verify --all");
    }
    let mark = if found.holds() { '✔' } else { '✖' };
    println!(
        "{mark} {} rows compared with {} commits up to position {}: {} differences, {} parked, \
         {} left out",
        found.rows,
        found.commits,
        found.position.0,
        found.differences_total,
        found.parked,
        found.skipped
    );
}
