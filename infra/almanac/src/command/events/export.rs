//! `almanac events export`
//!
//! Invariant: what is said at the end is what the manifest says.

use std::{
    io::{IsTerminal as _, stdout},
    process::ExitCode,
};

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    cli::ExportEvents,
    command::progress::Progress,
    events::{
        export::{Question, export},
        filter::Filter,
        manifest::Manifest,
    },
};

pub(super) async fn run(asked: ExportEvents) -> Result<ExitCode> {
    let question = Question {
        filter: Filter::from(asked.filters),
        format: asked.format,
        per_file: asked.per_file,
    };
    let log = super::open(&asked.place).await?;
    let mut progress = Progress::begin();
    let watch = |at: event_log::Position, of: event_log::Position| progress.tell(at.0, of.0);
    let manifest = export(&log, &asked.out, question, watch).await;
    progress.end();
    let manifest = manifest?;
    if stdout().is_terminal() {
        println!("✔ {}", told(&manifest));
        if let Some(root) = &manifest.root {
            println!("  root {root}");
        }
    } else {
        println!("{}", summary(&manifest));
    }
    Ok(ExitCode::SUCCESS)
}

/// What an export holds, in words.
pub(super) fn told(manifest: &Manifest) -> String {
    format!(
        "{} events of {} commits up to position {} in {} files",
        manifest.events,
        manifest.commits,
        manifest.last,
        manifest.files.len()
    )
}

/// What an export holds, for programs.
pub(super) fn summary(manifest: &Manifest) -> Value {
    json!({
        "commits": manifest.commits,
        "events": manifest.events,
        "files": manifest.files.len(),
        "last": manifest.last,
        "root": manifest.root,
    })
}
