//! A crontab comes to life.
//!
//! Invariant: the job's command leaves a trace outside of the system, and the trace is as long as
//! the system says that the job ran.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use chrono::Timelike;
use serde_json::json;

use crate::{
    harness::{Api, DataDir, Dev, almanac, until},
    schedules::{instant, runs},
};

/// A minute, and what a busy machine needs to import and to run.
const LIMIT: Duration = Duration::from_secs(100);
/// How late a slot may fire on such a machine, in milliseconds.
const LATE_MS: i64 = 5_000;

pub async fn a_job_from_a_crontab_fires_at_its_minute() -> Result<()> {
    let data = DataDir::new()?;
    let dev = Dev::start("crontab", &data, &["--allow-commands"]).await?;
    let folder = tempfile::tempdir()?;
    let (file, trace) = (folder.path().join("crontab"), folder.path().join("trace"));
    fs::write(&file, content(&trace))?;
    let (path, data_dir) = (
        file.display().to_string(),
        data.path().display().to_string(),
    );
    let args = [
        "import",
        "crontab",
        &path,
        "--user",
        "--enable",
        "--data-dir",
        &data_dir,
    ];
    let run = almanac(&args).await?.succeeded()?;
    ensure!(run.stdout.contains("3 jobs, 1 skipped"), "{}", run.stdout);
    ensure!(
        run.stderr.contains("@reboot"),
        "what was skipped is not told: {}",
        run.stderr
    );

    let api = dev.admin().await?;
    let job = imported(&api, &path).await?;
    let ended = until("a run to succeed", LIMIT, async || {
        let runs = runs(&api, &job).await?;
        let bad = runs.iter().find(|run| run["error"].is_object());
        ensure!(bad.is_none(), "the command failed: {bad:?}");
        Ok(runs.into_iter().find(|run| run["status"] == "succeeded"))
    });
    let ended = ended.await?;
    let slot = instant(&ended["slot"])?;
    ensure!(slot.second() == 0 && slot.nanosecond() == 0, "{ended}");
    let late = (instant(&ended["created_at"])? - slot).num_milliseconds();
    ensure!(
        (0..LATE_MS).contains(&late),
        "fired {late} ms after its minute"
    );
    api.post(&format!("/jobs/{job}/pause"), &json!({}))
        .await?
        .expect(200)?;
    // A slot may have come before the pause: the traces follow the runs.
    until("the traces to be as many as the runs", LIMIT, async || {
        let ran = runs(&api, &job).await?.len();
        let traces = fs::read_to_string(&trace)?;
        ensure!(traces.lines().all(|line| line == "hello there"), "{traces}");
        Ok((traces.lines().count() == ran).then_some(()))
    })
    .await?;
    dev.finish().await
}

fn content(trace: &Path) -> String {
    format!(
        "# What every minute brings.\n\
         MAILTO=nobody\n\
         GREETING=\"hello there\"\n\
         \n\
         * * * * * echo \"$GREETING\" >> {trace}\n\
         30 4 1,15 jan-jun mon-fri true\n\
         @reboot true\n\
         @yearly true\n",
        trace = trace.display()
    )
}

/// The job of every minute; all are there, active, and tell where they come from.
async fn imported(api: &Api, path: &str) -> Result<String> {
    let jobs = until("the jobs to be readable", LIMIT, async || {
        let jobs = api.get("/jobs").await?.expect(200)?.json()?;
        let jobs = jobs["items"].as_array().context("a list")?.clone();
        Ok((jobs.len() == 3).then_some(jobs))
    });
    let jobs = jobs.await?;
    ensure!(jobs.iter().all(|job| job["status"] == "active"), "{jobs:?}");
    let minutely = jobs
        .iter()
        .find(|job| job["schedule"]["expression"] == "* * * * *");
    let job = minutely.context("the job of every minute")?;
    let origin = json!({"source": "crontab", "reference": format!("{path}:5")});
    ensure!(job["origin"] == origin, "{job}");
    Ok(job["id"].as_str().context("an id")?.to_owned())
}
