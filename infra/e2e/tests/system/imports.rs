//! The host's own things: what it schedules and what it is made of.
//!
//! Invariant: what a second import writes is counted in commits, and every one is accounted for.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::harness::{Api, DataDir, Dev, almanac};

const CRONTAB: &str = "SHELL=/bin/sh\n\
    # minute hour day month weekday user command\n\
    17 * * * * root true hourly\n\
    25 6 * * * root true daily\n\
    @reboot root true once\n";

pub async fn an_inventory_is_taken_once() -> Result<()> {
    let data = DataDir::new()?;
    let dev = Dev::start("imports", &data, &[]).await?;
    let api = dev.admin().await?;
    crontab_twice(&dev, &api).await?;
    let folder = data.path().display().to_string();
    let args = ["import", "inventory", "--data-dir", &folder];

    almanac(&args).await?.succeeded()?;
    let (first_position, first) = (api.position_after_mark().await?, versions(&api).await?);
    let types = ["package", "filesystem", "interface", "host"];
    for kind in types {
        let count = first.keys().filter(|(found, _)| found == kind).count();
        // What any Linux machine has; programs may be installed in other ways.
        ensure!(
            count > 0 || kind == "package",
            "no {kind} in {}",
            first.len()
        );
    }
    almanac(&args).await?.succeeded()?;
    let (second_position, second) = (api.position_after_mark().await?, versions(&api).await?);

    // The marks are resources as well, and each is one commit.
    let mut expected = 0;
    for key in first
        .keys()
        .chain(second.keys().filter(|key| !first.contains_key(*key)))
    {
        let (before, after) = (first.get(key).copied(), second.get(key).copied());
        let commits = match (before, after) {
            (Some(before), Some(after)) => after - before,
            (None, Some(after)) => after,
            (_, None) => 1,
        };
        // Installed packages do not change while nobody installs any; what runs may.
        ensure!(
            commits == 0 || key.0 != "package",
            "{key:?}: {before:?} became {after:?}"
        );
        ensure!(
            commits == 0 || key.0 != "host",
            "{key:?}: {before:?} became {after:?}"
        );
        expected += commits;
    }
    let commits = second_position - first_position;
    ensure!(
        commits == expected,
        "{commits} commits, {expected} seen in the resources"
    );
    dev.finish().await
}

/// The same crontab again is nothing new; another time of day is one change of one job.
async fn crontab_twice(dev: &Dev, api: &Api) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("crontab");
    let (path, data) = (file.display().to_string(), dev.data().display().to_string());
    let args = ["import", "crontab", &path, "--system", "--data-dir", &data];
    fs::write(&file, CRONTAB)?;
    let run = almanac(&args).await?.succeeded()?;
    ensure!(run.stdout.contains("2 jobs, 1 skipped"), "{}", run.stdout);
    let first = api.position_after_mark().await?;
    almanac(&args).await?.succeeded()?;
    let second = api.position_after_mark().await?;
    ensure!(
        second == first + 1,
        "the same again: {} commits",
        second - first - 1
    );
    fs::write(&file, CRONTAB.replace("25 6", "26 6"))?;
    almanac(&args).await?.succeeded()?;
    let third = api.position_after_mark().await?;
    ensure!(
        third == second + 2,
        "another minute: {} commits",
        third - second - 1
    );
    let jobs = api.get("/jobs").await?.expect(200)?.json()?;
    let jobs = jobs["items"].as_array().context("a list")?;
    ensure!(jobs.len() == 2, "{jobs:?}");
    ensure!(jobs.iter().all(|job| job["status"] == "paused"), "{jobs:?}");
    let moved = jobs
        .iter()
        .filter(|job| job["schedule"]["expression"] == "26 6 * * *");
    ensure!(moved.count() == 1, "{jobs:?}");
    Ok(())
}

/// The version of every resource, by type and id.
async fn versions(api: &Api) -> Result<BTreeMap<(String, String), u64>> {
    let mark = json!({"type": "mark", "name": "mark"});
    let mark = api.post("/resources", &mark).await?.expect(201)?;
    let mut versions = BTreeMap::new();
    for one in api.list_after("/resources", &mark).await? {
        let word = |name: &str| one[name].as_str().map(str::to_owned);
        let key = word("type").zip(word("id")).context("a type and an id")?;
        versions.insert(key, one["version"].as_u64().context("a version")?);
    }
    Ok(versions)
}
