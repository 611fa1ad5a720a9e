//! The single roles, each a process, on servers that the test holds in its hands.
//!
//! Invariant: a role that ends by itself is an error; none needs to be started again.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use local::{Role as Login, Servers};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::{
    Api,
    process::Process,
    run::{almanac_with, verify},
    until,
};

/// Each process, and who it signs in as, to NATS and to Postgres. The worker does not sign in to
/// Postgres: it is told of the gateway since the configuration wants something there.
const ROLES: [(&str, &str, Login); 4] = [
    ("gateway", "almanac_gateway", Login::Gateway),
    ("projector", "almanac_projector", Login::Projector),
    ("scheduler", "almanac_scheduler", Login::Scheduler),
    ("worker", "almanac_worker", Login::Gateway),
];
/// What each process is told beside the configuration that all share.
const NATS: &str = "ALMANAC__NATS__URL";
const POSTGRES: &str = "ALMANAC__POSTGRES__URL";
const EMAIL: &str = "keeper@example.org";
const PASSWORD: &str = "a password for tests only";
const READY_LIMIT: Duration = Duration::from_mins(1);
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A system of four processes.
#[derive(Debug)]
pub struct Roles {
    processes: Vec<(&'static str, Process)>,
    config: PathBuf,
    gateway: String,
    _folder: TempDir,
    /// Ends last.
    pub servers: Servers,
}

impl Roles {
    /// Sets up and starts everything.
    pub async fn start(name: &str) -> Result<Self> {
        Self::start_with(name, "").await
    }

    /// The same with these lines at the end of the configuration.
    pub async fn start_with(name: &str, more: &str) -> Result<Self> {
        Self::begin(name, &ROLES.map(|(role, ..)| role), more, async |_, _| {
            Ok(())
        })
        .await
    }

    /// The same with these roles; the test starts the others.
    pub async fn start_only(name: &str, which: &[&str]) -> Result<Self> {
        Self::begin(name, which, "", async |_, _| Ok(())).await
    }

    /// The same on a log that `fill` has made, given the configuration and
    /// the login of the log's owner.
    pub async fn start_on(
        name: &str,
        fill: impl AsyncFnOnce(&str, &[(&str, &str)]) -> Result<()>,
    ) -> Result<Self> {
        Self::begin(name, &ROLES.map(|(role, ..)| role), "", fill).await
    }

    async fn begin(
        name: &str,
        which: &[&str],
        more: &str,
        fill: impl AsyncFnOnce(&str, &[(&str, &str)]) -> Result<()>,
    ) -> Result<Self> {
        let servers = tokio::task::block_in_place(Servers::scratch)?;
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("almanac.toml");
        let port = local::ports::free()?;
        fs::write(&config, configuration(&servers, port)? + more)?;
        let path = config.display().to_string();
        let owner = servers.postgres.url_of(Login::Owner, "almanac")?;
        let nats_owner = servers.nats.url_of("almanac_owner")?;
        let admin = [
            (NATS, nats_owner.as_str()),
            (POSTGRES, owner.as_str()),
            ("ALMANAC_ADMIN_EMAIL", EMAIL),
            ("ALMANAC_ADMIN_PASSWORD", PASSWORD),
        ];
        fill(&path, &[(NATS, &nats_owner)]).await?;
        for _ in 0..2 {
            // The second time there is nothing left to do, and that is fine.
            let run = almanac_with(&["setup", "--config", &path], &admin).await?;
            run.succeeded().context("almanac setup")?;
        }
        let mut roles = Self {
            processes: Vec::new(),
            config,
            gateway: format!("http://127.0.0.1:{port}"),
            _folder: folder,
            servers,
        };
        for (role, ..) in ROLES.into_iter().filter(|(role, ..)| which.contains(role)) {
            let process = roles.one_more(role, &format!("{name}-{role}"))?;
            roles.processes.push((role, process));
        }
        roles.ready().await?;
        Ok(roles)
    }

    /// A process of that role, which is nobody's but the caller's.
    pub fn one_more(&self, role: &str, name: &str) -> Result<Process> {
        let known = ROLES.into_iter().find(|(known, ..)| *known == role);
        let (_, user, login) = known.context("a role")?;
        let args = [role, "--config", &self.config()].map(str::to_owned);
        let url = self.servers.postgres.url_of(login, "almanac")?;
        let nats = self.servers.nats.url_of(user)?;
        let told = [(NATS, nats.as_str()), (POSTGRES, &url)];
        tokio::task::block_in_place(|| Process::start(name, &args, &told))
    }

    /// The configuration that all share.
    pub fn config(&self) -> String {
        self.config.display().to_string()
    }

    /// Where the gateway is, without a slash at its end.
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// Nobody's API.
    pub fn stranger(&self) -> Result<Api> {
        Api::at(&self.gateway)
    }

    /// The administrator's API.
    pub async fn admin(&self) -> Result<Api> {
        self.stranger()?.sign_in(EMAIL, PASSWORD).await
    }

    /// Waits until the gateway would be given requests.
    pub async fn ready(&mut self) -> Result<()> {
        let stranger = self.stranger()?;
        until("the gateway to be ready", READY_LIMIT, async || {
            self.alive()?;
            let answer = stranger.get("!/readyz").await.ok();
            Ok(answer.filter(|answer| answer.status == 200).map(|_| ()))
        })
        .await
    }

    /// Holds that every role runs.
    pub fn alive(&mut self) -> Result<()> {
        for (role, process) in &mut self.processes {
            if let Some(status) = process.exited()? {
                bail!("{role} ended with {status}, see {}", process.log.display());
            }
        }
        Ok(())
    }

    /// Holds that the read models are what the log says, then ends every role in good order.
    pub async fn finish(mut self) -> Result<()> {
        self.alive()?;
        verify("--config", &self.config).await?;
        for (role, mut process) in std::mem::take(&mut self.processes) {
            process.signal(Signal::SIGTERM)?;
            let status = process.ended(STOP_LIMIT).await?;
            ensure!(status.success(), "SIGTERM ended {role} with {status}");
            process.was_refused_nothing()?;
        }
        Ok(())
    }
}

/// What all share; only whoever proves the read models signs in with what it says.
pub fn configuration(servers: &Servers, port: u16) -> Result<String> {
    Ok(format!(
        "[gateway]\nlisten = \"127.0.0.1:{port}\"\nregistration = \"open\"\n\
         [nats]\nurl = \"{}\"\nmonitor_url = \"{}\"\n\
         [postgres]\nurl = \"{}\"\n\
         [secrets]\nmaster_key = \"{}\"\n",
        servers.nats.url_of("analyst")?,
        servers.nats.monitor_url(),
        servers.postgres.url_of(Login::Auditor, "almanac")?,
        "5a".repeat(32),
    ))
}
