//! `almanac dev` on a data folder of its own.
//!
//! Invariant: it is ready when `start` returns, and a test that ends well ends it in good order.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use serde::Deserialize;
use tempfile::TempDir;

use super::{Api, Family, Process, run::verify, until};

/// A first start makes a Postgres cluster, on a machine that is building something else.
const READY_LIMIT: Duration = Duration::from_mins(3);
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A data folder, removed when dropped.
#[derive(Debug)]
pub struct DataDir {
    // Kept for its end.
    _scratch: TempDir,
    path: PathBuf,
}

/// What `almanac dev` tells tools.
#[derive(Clone, Debug, Deserialize)]
pub struct DevJson {
    pub gateway: String,
    pub monitor: String,
    pub nats: String,
    pub owner: String,
    /// As the superuser.
    pub postgres: String,
    pub analyst: String,
    pub admin: Admin,
    pub pid: u32,
}

/// How the first administrator signs in.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct Admin {
    pub email: String,
    pub password: String,
}

/// A running system.
#[derive(Debug)]
pub struct Dev {
    process: Process,
    data: PathBuf,
    pub json: DevJson,
}

impl DataDir {
    /// In a folder that others can pass: for root, Postgres runs under another account.
    pub fn new() -> Result<Self> {
        Self::within(0o711)
    }

    /// In a folder that nobody else can enter.
    pub fn closed() -> Result<Self> {
        Self::within(0o700)
    }

    fn within(mode: u32) -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("almanac-e2e-").tempdir()?;
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(mode))?;
        let path = scratch.path().join("data");
        Ok(Self {
            _scratch: scratch,
            path,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        // Ends servers that a killed system left behind; what fails here fails nobody's test.
        let _ = local::Servers::wipe(&self.path);
    }
}

impl Dev {
    /// Starts a system without demo and waits until it serves.
    pub async fn start(name: &str, data: &DataDir, flags: &[&str]) -> Result<Self> {
        let folder = data.path().display().to_string();
        let mut args = vec!["dev", "--data-dir", &folder];
        if !flags.contains(&"--port") {
            args.extend(["--port", "0"]);
        }
        args.extend(["--no-demo", "--no-open"]);
        args.extend(flags);
        let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
        let start = || Process::start(name, &args, &[]);
        let process = tokio::task::block_in_place(start)?;
        Self::once_ready(process, data.path()).await
    }

    /// What was started on this data folder, as soon as it serves.
    pub async fn once_ready(mut process: Process, data: &Path) -> Result<Self> {
        let file = data.join("dev.json");
        let what = format!("almanac dev to be ready, see {}", process.log.display());
        let json = until(&what, READY_LIMIT, async || {
            if let Some(status) = process.exited()? {
                bail!(
                    "almanac dev ended with {status}, see {}",
                    process.log.display()
                );
            }
            // One that a killed predecessor left has another pid.
            let json = read(&file).filter(|json| json.pid == process.pid());
            Ok(json)
        });
        let json = json.await?;
        let mode = fs::metadata(&file)?.permissions().mode() & 0o777;
        ensure!(
            mode == 0o600,
            "dev.json holds a password and has mode {mode:o}"
        );
        Ok(Self {
            process,
            data: data.to_owned(),
            json,
        })
    }

    /// The processes that it has started.
    pub fn family(&self) -> Result<Family> {
        Family::of(self.process.pid())
    }

    /// Nobody's API.
    pub fn stranger(&self) -> Result<Api> {
        Api::at(&self.json.gateway)
    }

    /// The administrator's API.
    pub async fn admin(&self) -> Result<Api> {
        let Admin { email, password } = &self.json.admin;
        self.stranger()?.sign_in(email, password).await
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// As `kill -9` does.
    pub async fn kill(mut self) -> Result<()> {
        self.process.signal(Signal::SIGKILL)?;
        self.process.ended(STOP_LIMIT).await?;
        Ok(())
    }

    /// As Ctrl-C does; the end must be a clean one.
    pub async fn stop(mut self) -> Result<()> {
        self.process.signal(Signal::SIGTERM)?;
        let status = self.process.ended(STOP_LIMIT).await?;
        let log = self.process.log.display();
        ensure!(
            status.success(),
            "SIGTERM ended it with {status}, see {log}"
        );
        ensure!(
            !self.data.join("dev.json").exists(),
            "dev.json is still there"
        );
        self.process.was_refused_nothing()
    }

    /// Holds that the read models are what the log says, then stops.
    pub async fn finish(self) -> Result<()> {
        verify("--data-dir", &self.data).await?;
        self.stop().await.context("stopping")
    }
}

/// Incomplete while it is being written.
fn read(file: &Path) -> Option<DevJson> {
    serde_json::from_str(&fs::read_to_string(file).ok()?).ok()
}
