//! `almanac events export`
//!
//! Invariant: what is said at the end is what the manifest says.

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    cli::ExportEvents,
    command::progress::Progress,
    events::{
        export::{Question, export},
        filter::Filter,
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
    let (commits, events) = (manifest.commits, manifest.events);
    println!(
        "✔ {events} events of {commits} commits up to position {} in {} files",
        manifest.last,
        manifest.files.len()
    );
    if let Some(root) = &manifest.root {
        println!("  root {root}");
    }
    Ok(ExitCode::SUCCESS)
}
