//! A private Postgres server.
//!
//! Invariant: loopback TCP with a password only, never run as root; the cluster is made in one step
//! and then only run by the major version that made it.

mod cluster;
mod launch;
mod place;
mod ready;
mod roles;
#[cfg(test)]
mod tests;

use std::{fs, path::PathBuf, time::Duration};

use nix::sys::signal::Signal;

use crate::{
    Error, Lock, Result,
    account::Account,
    ports,
    process::{Identity, Process},
    provision::{self, PostgresPrograms},
    secret,
};

pub use place::wipe;
pub use roles::Role;

/// "Fast": sessions are ended, then a checkpoint.
const STOP: [(Signal, Duration); 2] = [
    (Signal::SIGINT, Duration::from_secs(10)),
    (Signal::SIGQUIT, Duration::from_secs(6)),
];
/// "Immediate": its children end with it, and the next start recovers.
const ABANDON: [(Signal, Duration); 1] = [(Signal::SIGQUIT, Duration::from_secs(6))];

/// How to run the server.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// Its folder: password, log and, where the account can reach it, the cluster.
    pub dir: PathBuf,
    /// A fixed port, or none for a free one.
    pub port: Option<u16>,
    /// Whether commits reach the disk. False only where the data dies with the test.
    pub durable: bool,
}

/// A running (or killed, restartable) Postgres; stopped when dropped.
#[derive(Debug)]
pub struct Postgres {
    options: PostgresOptions,
    programs: PostgresPrograms,
    account: Option<Account>,
    cluster: PathBuf,
    password: String,
    port: u16,
    process: Option<Process>,
    _lock: Lock,
}

impl PostgresOptions {
    /// A free port and durable commits.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            port: None,
            durable: true,
        }
    }
}

impl Postgres {
    /// Starts the server and returns when it accepts clients; makes the cluster, with a database
    /// `almanac`, on first use.
    pub fn start(options: PostgresOptions) -> Result<Self> {
        Self::start_on(options, ports::free)
    }

    /// Starts it on a port that `free` gives, unless one is fixed.
    fn start_on(
        mut options: PostgresOptions,
        mut free: impl FnMut() -> Result<u16>,
    ) -> Result<Self> {
        let lock = Lock::take(&options.dir)?;
        options.dir = fs::canonicalize(&options.dir).map_err(Error::io("resolving a folder"))?;
        let account = Account::for_root()?;
        let cluster = place::cluster(&options.dir, account)?;
        let programs = provision::postgres(cluster::major(&cluster)?)?;
        let password = secret::kept(&options.dir.join("postgres.password"))?;
        let making = cluster::Making {
            programs: &programs,
            account,
            password: &password,
            roles: &roles::statements(&options.dir)?,
        };
        making.ensure(&cluster, options.durable)?;
        cluster::end_orphan(&cluster);
        roles::ensure(&making, &cluster)?;
        if let Some(port) = options.port {
            ports::require(port)?;
        }
        let port = options.port.map_or_else(&mut free, Ok)?;
        let process = None;
        let mut postgres = Self {
            options,
            programs,
            account,
            cluster,
            password,
            port,
            process,
            _lock: lock,
        };
        postgres.launch(free)?;
        Ok(postgres)
    }

    /// The superuser's URL of a database; `almanac` exists from the start.
    pub fn url(&self, database: &str) -> String {
        self.url_as("postgres", &self.password, database)
    }

    /// The URL of a database for one of Almanac's roles.
    pub fn url_of(&self, role: Role, database: &str) -> Result<String> {
        let password = role.password(&self.options.dir)?;
        Ok(self.url_as(role.name(), &password, database))
    }

    /// The superuser's URL of the database `postgres`, for creating others.
    pub fn superuser_url(&self) -> String {
        self.url("postgres")
    }

    /// The URL of a database for another role. Role and password must not need escaping.
    pub fn url_as(&self, role: &str, password: &str, database: &str) -> String {
        format!(
            "postgres://{role}:{password}@127.0.0.1:{}/{database}",
            self.port
        )
    }

    /// The port; kept across restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's first process, if it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// The programs that run.
    pub fn programs(&self) -> &PostgresPrograms {
        &self.programs
    }

    /// Where the data lies.
    pub fn cluster(&self) -> &std::path::Path {
        &self.cluster
    }

    /// What the server prints.
    pub fn log(&self) -> PathBuf {
        self.options.dir.join("postgres.log")
    }

    /// Ends the server in good order ("fast").
    pub fn stop(&mut self) {
        self.end(&STOP);
    }

    /// Ends the server without a checkpoint ("immediate"); the next start recovers.
    pub fn abandon(&mut self) {
        self.end(&ABANDON);
    }

    /// Ends its first process as `kill -9` does; its sessions notice and end.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Stops it if it runs, and starts it on the same folder and port.
    pub fn restart(&mut self) -> Result<()> {
        self.stop();
        self.launch(ports::free)
    }

    /// Freezes the first process: new connections hang, established ones go on.
    pub fn pause(&mut self) {
        if let Some(process) = &mut self.process {
            process.pause();
        }
    }

    /// Ends a pause.
    pub fn resume(&mut self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&mut self, signal: Signal) {
        if let Some(process) = &mut self.process {
            process.signal(signal);
        }
    }

    fn end(&mut self, steps: &[(Signal, Duration)]) {
        if let Some(process) = self.process.take() {
            process.end(steps);
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.options.durable {
            self.stop();
        } else {
            self.abandon();
        }
    }
}

/// Ends a server that a killed parent left on this cluster.
fn end_left_behind(identity: &Identity) {
    identity.end(&STOP);
}
