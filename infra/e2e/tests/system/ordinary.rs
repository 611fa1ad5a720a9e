//! The whole of `almanac dev` for whoever it is that has a checkout, wherever that lies.
//!
//! Invariant: the folder is closed to all others, nothing in it was made before, and what runs at
//! its end is what ran before its start.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, fs::chown, process::CommandExt as _},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use local::provision;
use nix::unistd::{Uid, User};
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Api, DataDir, Dev, Process, binary, until};

/// For what follows from the end of a process.
const LIMIT: Duration = Duration::from_secs(10);
/// For rows to be readable.
const READABLE: Duration = Duration::from_mins(1);
/// What cron shows a user of theirs.
const CRONTAB: &str = "#!/bin/sh\n\
    echo '5 4 * * 1 true by night'\n\
    echo '@daily true by day'\n\
    echo '@reboot true once'\n";

/// As root for `nobody`; for anybody else as themselves.
pub async fn a_first_start_shows_the_machine_to_whoever_it_belongs() -> Result<()> {
    let home = tokio::task::block_in_place(home)?;
    let path = home.path();
    let program = path.join("almanac");
    let start = || {
        Process::start_as("ordinary", &program, |command| {
            command
                .args(["dev", "--port", "0", "--no-open"])
                .env("HOME", path)
                .env("TMPDIR", path)
                .env("ALMANAC_CACHE", provision::cache_dir())
                .env("PATH", within(path))
                .current_dir(path);
            if let Some(user) = other() {
                command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
            }
        })
    };
    let process = tokio::task::block_in_place(start)?;
    let dev = Dev::once_ready(process, &path.join(".almanac")).await?;
    dev.stranger()?.get("!/readyz").await?.expect(200)?;
    let api = dev.admin().await?;
    its_crontab(&api).await?;
    its_inventory(&api).await?;
    leaves_nothing(dev).await
}

/// As root, Postgres must be brought to where another account may go.
pub async fn a_closed_folder_is_no_obstacle() -> Result<()> {
    let data = DataDir::closed()?;
    let dev = Dev::start("closed", &data, &[]).await?;
    dev.stranger()?.get("!/readyz").await?.expect(200)?;
    leaves_nothing(dev).await
}

async fn leaves_nothing(dev: Dev) -> Result<()> {
    let family = dev.family()?;
    for server in ["nats-server", "postgres"] {
        ensure!(family.has(server), "no {server} among {family:?}");
    }
    dev.finish().await?;
    until("all that was started to end", LIMIT, async || {
        Ok(family.left()?.is_empty().then_some(()))
    })
    .await
    .with_context(|| format!("left: {:?}", family.left()))
}

/// A folder with the program and a crontab in it, closed to all but its owner.
fn home() -> Result<TempDir> {
    // Fetched by whoever may write where all can read.
    provision::nats_server()?;
    provision::postgres(None)?;
    let home = tempfile::tempdir()?;
    let programs = home.path().join("bin");
    fs::create_dir(&programs)?;
    let (program, crontab) = (home.path().join("almanac"), programs.join("crontab"));
    fs::copy(binary()?, &program)?;
    fs::write(&crontab, CRONTAB)?;
    for file in [&programs, &program, &crontab] {
        fs::set_permissions(file, fs::Permissions::from_mode(0o755))?;
    }
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700))?;
    if let Some(user) = other() {
        let (user, group) = (user.uid.as_raw(), user.gid.as_raw());
        chown(home.path(), Some(user), Some(group))?;
    }
    Ok(home)
}

/// Whom root hands the folder to.
fn other() -> Option<User> {
    let nobody = || User::from_name("nobody").ok().flatten();
    Uid::effective().is_root().then(nobody)?
}

/// Where programs are looked for: first what the user has.
fn within(home: &Path) -> std::ffi::OsString {
    let found = std::env::var_os("PATH").unwrap_or_default();
    let mut path = home.join("bin").into_os_string();
    path.push(":");
    path.push(found);
    path
}

/// What cron would run for this user: there, and not running by itself.
async fn its_crontab(api: &Api) -> Result<()> {
    let jobs = until("the user's jobs", READABLE, async || {
        let listed = api.get("/jobs?limit=200").await?.expect(200)?.json()?;
        let listed = listed["items"].as_array().context("a list")?.clone();
        let is_theirs = |job: &Value| {
            let of = job["origin"]["reference"].as_str();
            of.is_some_and(|of| of.starts_with("crontab of "))
        };
        let theirs: Vec<_> = listed.into_iter().filter(is_theirs).collect();
        Ok((theirs.len() == 2).then_some(theirs))
    });
    for job in jobs.await? {
        ensure!(job["status"] == "paused", "runs by itself: {job}");
        ensure!(job["origin"]["source"] == "crontab", "of elsewhere: {job}");
    }
    Ok(())
}

/// What the machine is made of.
async fn its_inventory(api: &Api) -> Result<()> {
    for kind in ["host", "interface", "filesystem"] {
        let what = format!("a resource of the type {kind}");
        let path = format!("/resources?type={kind}");
        let found = until(&what, READABLE, async || {
            let listed = api.get(&path).await?.expect(200)?.json()?;
            Ok(listed["items"]
                .as_array()
                .and_then(|all| all.first())
                .cloned())
        });
        let found = found.await?;
        ensure!(found["origin"]["source"] == "inventory", "{found}");
    }
    Ok(())
}
