//! A private Postgres server.
//!
//! Invariant: loopback TCP with a password only, never run as root; the cluster is made in one step
//! and then only run by the major version that made it.

mod cluster;
mod place;
mod ready;

use std::{fs, path::PathBuf, time::Duration};

use nix::sys::signal::Signal;

use crate::{
    Error, Lock, Result,
    account::Account,
    ports,
    process::{self, Identity, Launch, Process, last_words},
    provision::{self, PostgresPrograms},
    secret, wait,
};

pub use place::wipe;

/// The log goes first: what is written to it waits for an answer, read models say how old they are.
const NICENESS: u8 = 5;
/// Recovery after a kill comes before readiness.
const READY_LIMIT: Duration = Duration::from_mins(2);
/// "Fast": sessions are ended, then a checkpoint.
const STOP: [(Signal, Duration); 2] = [
    (Signal::SIGINT, Duration::from_secs(10)),
    (Signal::SIGQUIT, Duration::from_secs(6)),
];
/// "Immediate": its children end with it, and the next start recovers.
const ABANDON: [(Signal, Duration); 1] = [(Signal::SIGQUIT, Duration::from_secs(6))];
/// How long sessions of a killed server may hold its shared memory.
const LEFTOVER_LIMIT: Duration = Duration::from_secs(15);

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
    pub fn start(mut options: PostgresOptions) -> Result<Self> {
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
        };
        making.ensure(&cluster, options.durable)?;
        cluster::end_orphan(&cluster);
        if let Some(port) = options.port {
            ports::require(port)?;
        }
        let port = options.port.map_or_else(ports::free, Ok)?;
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
        postgres.launch()?;
        Ok(postgres)
    }

    /// The superuser's URL of a database; `almanac` exists from the start.
    pub fn url(&self, database: &str) -> String {
        self.url_as("postgres", &self.password, database)
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
        self.launch()
    }

    /// Freezes the first process: new connections hang, established ones go on.
    pub fn pause(&mut self) {
        self.signal(Signal::SIGSTOP);
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

    /// Tries until sessions of a killed predecessor have let go of its shared memory, and with
    /// another port if somebody took a free one first.
    fn launch(&mut self) -> Result<()> {
        let mut failure = None;
        let launched = wait::until(LEFTOVER_LIMIT, || match self.launch_once() {
            Ok(()) => Some(Ok(())),
            Err(error) => {
                let log = fs::read_to_string(self.log()).unwrap_or_default();
                let taken = log.contains("Address already in use");
                if taken && self.options.port.is_none() && failure.is_none() {
                    self.port = ports::free().unwrap_or(self.port);
                }
                let passing = taken || log.contains("pre-existing shared memory block");
                failure = Some(error);
                (!passing).then_some(Err(()))
            }
        });
        match (launched, failure) {
            (Some(Ok(())), _) | (_, None) => Ok(()),
            (_, Some(error)) => Err(error),
        }
    }

    fn launch_once(&mut self) -> Result<()> {
        process::fresh_log(&self.log())?;
        let mut process = Process::start(Launch {
            program: &self.programs.bin.join("postgres"),
            args: self.arguments(),
            envs: vec![("LC_ALL", "C.UTF-8".to_owned())],
            account: self.account,
            cwd: &self.cluster,
            log: &self.log(),
            record: self.options.dir.join("postgres.pid"),
            on_parent_death: "QUIT",
            niceness: NICENESS,
        })?;
        let ready = wait::until(READY_LIMIT, || match process.exited() {
            Some(status) => Some(Err(status.to_string())),
            None => ready::accepts(self.port, &self.cluster, process.pid()).then_some(Ok(())),
        });
        let problem = match ready {
            Some(Ok(())) => {
                self.process = Some(process);
                return Ok(());
            }
            Some(Err(status)) => status,
            None => format!("silent for {} s", READY_LIMIT.as_secs()),
        };
        let detail = format!("{problem}: {}", last_words(&self.log()));
        Err(Error::NotReady {
            what: "postgres",
            detail,
            log: self.log(),
        })
    }

    /// Settings live here and not in the cluster, so that they follow the code.
    fn arguments(&self) -> Vec<String> {
        let durable = if self.options.durable { "on" } else { "off" };
        let settings = [
            ("listen_addresses", "127.0.0.1"),
            ("port", &self.port.to_string()),
            ("unix_socket_directories", ""),
            ("max_connections", "200"),
            ("shared_buffers", "256MB"),
            ("max_wal_size", "4GB"),
            ("checkpoint_completion_target", "0.9"),
            ("fsync", durable),
            ("full_page_writes", durable),
            ("synchronous_commit", durable),
            ("jit", "off"),
            ("password_encryption", "scram-sha-256"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("log_line_prefix", "%m [%p] %u@%d "),
            ("cluster_name", "almanac"),
        ];
        let mut arguments = vec!["-D".to_owned(), self.cluster.display().to_string()];
        for (name, value) in settings {
            arguments.extend(["-c".to_owned(), format!("{name}={value}")]);
        }
        arguments
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
