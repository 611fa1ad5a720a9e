//! A private nats-server with JetStream on disk.
//!
//! Invariant: loopback only, with [`Sync::Always`] nothing acknowledged is lost to a power cut, and
//! each process of Almanac has a user that may do what it needs and no more.

mod users;

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use nix::sys::{signal::Signal, statvfs::statvfs};

use crate::{
    Error, Lock, Result, ports,
    process::{self, Identity, Launch, Process},
    provision::{self, Program},
    secret,
};

/// Restoring a log of millions of messages comes before readiness.
const READY_LIMIT: Duration = Duration::from_mins(2);
const STOP: [(Signal, Duration); 1] = [(Signal::SIGTERM, Duration::from_secs(10))];
/// How often another port is tried when somebody took the free one first.
const PORT_TRIES: usize = 5;

/// When JetStream's writes reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sync {
    /// Before each acknowledgement.
    #[default]
    Always,
    /// Every two minutes: a power cut loses what was acknowledged since. For comparisons only.
    Interval,
}

/// How to run the server.
#[derive(Debug, Clone)]
pub struct NatsOptions {
    /// Its folder: configuration, log and data.
    pub dir: PathBuf,
    /// A fixed client port, or none for a free one.
    pub port: Option<u16>,
    /// When writes reach the disk.
    pub sync: Sync,
    /// Whether clients sign in; their rights are then those of production.
    pub password: bool,
    /// Further lines of its configuration.
    pub more: String,
}

/// A running (or killed, restartable) nats-server; stopped when dropped.
#[derive(Debug)]
pub struct Nats {
    options: NatsOptions,
    program: Program,
    port: u16,
    monitor_port: u16,
    password: Option<String>,
    process: Option<Process>,
    _lock: Lock,
}

impl NatsOptions {
    /// A free port, durable writes, no password.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            port: None,
            sync: Sync::default(),
            password: false,
            more: String::new(),
        }
    }
}

impl Nats {
    /// Starts the server and returns when it accepts clients.
    pub fn start(mut options: NatsOptions) -> Result<Self> {
        let program = provision::nats_server()?;
        let lock = Lock::take(&options.dir)?;
        options.dir = fs::canonicalize(&options.dir).map_err(Error::io("resolving a folder"))?;
        let password = options
            .password
            .then(|| users::password(&options.dir, users::KEEPER))
            .transpose()?;
        if let Some(port) = options.port {
            end_orphan(&options.dir);
            ports::require(port)?;
        }
        let port = options.port.map_or_else(ports::free, Ok)?;
        let monitor_port = ports::free()?;
        let process = None;
        let mut nats = Self {
            options,
            program,
            port,
            monitor_port,
            password,
            process,
            _lock: lock,
        };
        let mut tries = PORT_TRIES;
        loop {
            match nats.launch() {
                Err(_) if nats.lost_its_port() && tries > 0 => {
                    tries -= 1;
                    nats.port = nats.options.port.map_or_else(ports::free, Ok)?;
                    nats.monitor_port = ports::free()?;
                }
                result => return result.map(|()| nats),
            }
        }
    }

    /// Removes a folder with its log. The server must be stopped; one left behind by a killed
    /// process is ended.
    pub fn wipe(dir: &Path) -> Result<()> {
        if !dir.exists() {
            return Ok(());
        }
        let dir = fs::canonicalize(dir).map_err(Error::io("resolving a folder"))?;
        let _lock = Lock::take(&dir)?;
        end_orphan(&dir);
        fs::remove_dir_all(&dir).map_err(Error::io(format!("removing {}", dir.display())))
    }

    /// `nats://127.0.0.1:<port>`, with the login of whoever looks after the server, if there are
    /// users; it may do everything, so no process of Almanac accepts it.
    pub fn url(&self) -> String {
        self.url_as(users::KEEPER, self.password.as_deref())
    }

    /// The URL for one of Almanac's processes, whose user is called so.
    pub fn url_of(&self, user: &str) -> Result<String> {
        let password = self
            .password
            .is_some()
            .then(|| users::password(&self.options.dir, user))
            .transpose()?;
        Ok(self.url_as(user, password.as_deref()))
    }

    /// `http://127.0.0.1:<port>`: `/varz`, `/jsz`, …
    pub fn monitor_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.monitor_port)
    }

    /// The client port; kept across restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process, if it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// The program that runs.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What the server prints.
    pub fn log(&self) -> PathBuf {
        self.options.dir.join("nats.log")
    }

    /// Ends the server in good order.
    pub fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.end(&STOP);
        }
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Stops it if it runs, and starts it on the same folder and port.
    pub fn restart(&mut self) -> Result<()> {
        self.stop();
        self.launch()
    }

    /// Freezes the server: connections stay, answers do not come.
    pub fn pause(&mut self) {
        if let Some(process) = &mut self.process {
            process.pause();
        }
    }

    /// Ends a pause.
    pub fn resume(&mut self) {
        self.signal(Signal::SIGCONT);
    }

    fn url_as(&self, user: &str, password: Option<&str>) -> String {
        let login = password.map_or_else(String::new, |password| format!("{user}:{password}@"));
        format!("nats://{login}127.0.0.1:{}", self.port)
    }

    fn signal(&mut self, signal: Signal) {
        if let Some(process) = &mut self.process {
            process.signal(signal);
        }
    }

    fn launch(&mut self) -> Result<()> {
        end_orphan(&self.options.dir);
        let name = format!("almanac-{}", secret::hex(&secret::random::<8>()?));
        let config = self.options.dir.join("nats.conf");
        secret::write_private(&config, &self.config(&name)?)?;
        process::fresh_log(&self.log())?;
        let process = Process::start(Launch {
            program: &self.program.path,
            args: vec!["--config".to_owned(), config.display().to_string()],
            envs: vec![("GOMEMLIMIT", memory_limit())],
            account: None,
            cwd: &self.options.dir,
            log: &self.log(),
            record: self.options.dir.join("nats.pid"),
            on_parent_death: "KILL",
            niceness: 0,
        })?;
        let process = process.once_ready("nats-server", self.log(), READY_LIMIT, |_| {
            greets_as(self.port, &name)
        })?;
        self.process = Some(process);
        Ok(())
    }

    fn lost_its_port(&self) -> bool {
        fs::read_to_string(self.log()).is_ok_and(|log| log.contains("address already in use"))
    }

    fn config(&self, name: &str) -> Result<String> {
        let store = self.options.dir.join("data");
        fs::create_dir_all(&store).map_err(Error::io(format!("creating {}", store.display())))?;
        let disk = statvfs(&store)
            .map_err(|error| Error::io(format!("measuring {}", store.display()))(error.into()))?;
        let free = disk.blocks_available() * disk.fragment_size();
        // What is stored already counts against the limit, so it must be part of it.
        let usable = free + bytes_in(&store);
        let sync = match self.options.sync {
            Sync::Always => "always",
            Sync::Interval => "2m",
        };
        let users = if self.options.password {
            users::config(&self.options.dir)?
        } else {
            String::new()
        };
        Ok(format!(
            "server_name: {name}\n\
             listen: \"127.0.0.1:{port}\"\n\
             http: \"127.0.0.1:{monitor}\"\n\
             {users}\
             {more}\n\
             jetstream {{\n  \
               store_dir: \"{store}\"\n  \
               sync_interval: {sync}\n  \
               max_memory_store: 268435456\n  \
               max_file_store: {max}\n\
             }}\n",
            port = self.port,
            monitor = self.monitor_port,
            more = self.options.more,
            store = store.display(),
            max = usable / 5 * 4,
        ))
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether the server of this name greets on the port: JetStream is restored before it does.
fn greets_as(port: u16, name: &str) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else {
        return false;
    };
    let mut greeting = String::new();
    stream
        .set_read_timeout(Some(Duration::from_secs(1)))
        .is_ok()
        && BufReader::new(stream).read_line(&mut greeting).is_ok()
        && greeting.starts_with("INFO ")
        && greeting.contains(&format!("\"server_name\":\"{name}\""))
}

/// Ends a server that a killed parent left on this folder. The caller holds the folder's lock, so
/// nobody else uses it.
fn end_orphan(dir: &Path) {
    let record = dir.join("nats.pid");
    let ours = dir.join("nats.conf").display().to_string();
    if let Some(orphan) = Identity::recorded(&record).filter(|found| found.runs_with(&ours)) {
        orphan.end(&STOP);
    }
}

fn bytes_in(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => bytes_in(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

/// A quarter of the memory, between 256 MiB and 4 GiB: without a limit Go keeps a gigabyte of
/// garbage after full reads.
fn memory_limit() -> String {
    if let Ok(limit) = env::var("GOMEMLIMIT") {
        return limit;
    }
    let total_kib = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        text.lines()
            .next()?
            .split_whitespace()
            .nth(1)?
            .parse::<u64>()
            .ok()
    });
    let quarter_mib = total_kib.map_or(512, |kib| kib / 1024 / 4);
    format!("{}MiB", quarter_mib.clamp(256, 4096))
}
