//! What a first start shows: this machine, and a few jobs that move.
//!
//! Invariant: loaded once for each data folder, so that what a person removes stays removed;
//! nothing of it acts on the machine.

mod crontabs;
mod jobs;

use std::path::Path;

use anyhow::Result;
use schemas::api::JobView;

use super::{kept, running::Running, steps::Step};
use crate::{
    client::Client,
    command::import::{self, counted},
};

/// Loads the demo through the API, unless this folder has it.
pub(super) async fn load(running: &Running, dir: &Path) -> Result<()> {
    let mark = dir.join("demo");
    if mark.exists() {
        return Ok(());
    }
    let client = running.sign_in().await?;
    moving(&client).await?;
    inventory(&client).await;
    crontabs(&client).await;
    kept::write(&mark, "loaded\n")
}

async fn moving(client: &Client) -> Result<()> {
    let step = Step::begin("demo");
    let jobs = jobs::all();
    let count = jobs.len();
    for (id, job) in jobs {
        client.put::<JobView>(&format!("/jobs/{id}"), &job).await?;
    }
    step.done(&format!("{count} jobs that move (`demo: …`)"));
    Ok(())
}

/// A machine that tells little is no reason not to start.
async fn inventory(client: &Client) {
    let step = Step::begin("inventory");
    match import::inventory::run(client).await {
        Ok(imported) => {
            for line in &imported.refused {
                println!(" ! {line}");
            }
            let counts = imported
                .told
                .iter()
                .map(|line| line.split(" (").next().unwrap_or(line));
            step.done(&counts.collect::<Vec<_>>().join(" · "));
        }
        Err(failure) => println!(" ! inventory     {failure:#}"),
    }
}

/// Nor is a crontab that cannot be read.
async fn crontabs(client: &Client) {
    let step = Step::begin("crontabs");
    let (mut files, mut jobs, mut skipped) = (0, 0, 0);
    for source in crontabs::of_this_machine() {
        let path = source.path.display().to_string();
        match import::crontab::import(client, source, false).await {
            Ok(imported) => {
                files += 1;
                jobs += imported.jobs;
                skipped += imported.skipped.len();
                for line in imported.skipped.iter().chain(&imported.refused) {
                    println!(" ! {line}");
                }
            }
            Err(failure) => println!(" ! {path}: {failure:#}"),
        }
    }
    step.done(&format!(
        "{} · {}, paused · {} skipped",
        counted(files, "file"),
        counted(jobs, "job"),
        counted(skipped, "line")
    ));
}
