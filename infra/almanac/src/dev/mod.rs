//! `almanac dev`: everything on this machine, with servers of its own.
//!
//! Invariant: whatever way it ends, the servers end with it; and `dev.json` is there exactly while
//! everything serves.

mod banner;
mod browser;
mod demo;
mod kept;
mod mailbox;
mod parts;
mod phrase;
mod port;
mod running;
mod start;
mod steps;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context as _, Result};
use local::{Lock, Servers};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cli::Dev;
use parts::Parts;
pub use running::Running;
pub use start::master_key;
use steps::Step;

/// Files of ours in the data folder, beside those of the servers.
const FILES: [&str; 5] = ["admin", "analyst", "demo", "dev.json", "master.key"];

/// Serves until a signal asks it to end, or a part cannot go on.
pub async fn run(asked: Dev) -> Result<ExitCode> {
    let began = Instant::now();
    let shutdown = runtime::shutdown_on_signal()?;
    let listener = claim(&asked).await?;
    let dir = fs::canonicalize(&asked.data_dir).context("resolving the data folder")?;
    let step = Step::begin("servers");
    let folder = dir.clone();
    let servers = blocking(move || Servers::start(&folder)).await??;
    step.done(&format!(
        "nats-server {} on {} · postgres {} on {} · private",
        servers.nats.program().version,
        servers.nats.port(),
        servers.postgres.programs().version,
        servers.postgres.port()
    ));
    // From here on every way out passes the end of this function.
    let mut parts = Parts::default();
    let house = House {
        asked: &asked,
        began,
        dir,
        servers: &servers,
    };
    let served = house.serve(listener, &mut parts, &shutdown).await;
    Running::forget(&house.dir);
    if shutdown.is_cancelled() {
        println!("\n   stopping …");
    }
    parts.stop().await;
    let mut servers = servers;
    blocking(move || servers.stop()).await?;
    served.map(|()| ExitCode::SUCCESS)
}

/// What is known once the servers run.
struct House<'a> {
    asked: &'a Dev,
    began: Instant,
    dir: PathBuf,
    servers: &'a Servers,
}

impl House<'_> {
    async fn serve(
        &self,
        listener: TcpListener,
        parts: &mut Parts,
        shutdown: &CancellationToken,
    ) -> Result<()> {
        let starting = Box::pin(start::run(self, listener, parts));
        let Some(running) = shutdown.run_until_cancelled(starting).await else {
            return Ok(());
        };
        let running = running?;
        running.keep(&self.dir)?;
        let opened = !self.asked.no_open && browser::open(&running.gateway);
        println!("{}", banner::text(&running, self, opened));
        match shutdown.run_until_cancelled(parts.ended()).await {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }
}

/// Makes sure that folder and port are ours before any server is started for nothing.
async fn claim(asked: &Dev) -> Result<TcpListener> {
    let (dir, reset) = (asked.data_dir.clone(), asked.reset);
    blocking(move || -> Result<()> {
        if reset {
            wipe(&dir)?;
        }
        drop(Lock::take(&dir)?);
        Running::forget(&dir);
        Ok(())
    })
    .await??;
    port::listen(asked.port).await
}

/// Where the files of tasks are that an `almanac dev` of the data folder `dir` keeps.
pub fn files(dir: &Path) -> runtime::Files {
    runtime::Files {
        folder: Some(dir.join("files")),
        ..runtime::Files::default()
    }
}

/// Removes what this program has put into the folder, and nothing else.
fn wipe(dir: &Path) -> Result<()> {
    Servers::wipe(dir)?;
    for folder in ["files", "mail"].map(|name| dir.join(name)) {
        if folder.exists() {
            let told = || format!("removing {}", folder.display());
            fs::remove_dir_all(&folder).with_context(told)?;
        }
    }
    for name in FILES {
        let file = dir.join(name);
        if file.exists() {
            fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
        }
    }
    Ok(())
}

/// Runs what blocks on a thread that may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .context("a thread broke off")
}
