//! Parts of Almanac as processes of their own, composed as the binary composes them.
//!
//! Invariant: a part ends when the process that started it ends, since that closes its standard
//! input.

use std::{
    io::{Read as _, Seek as _},
    net::{Ipv4Addr, SocketAddr},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use commands::{Audit, Commands, Identity};
use event_log::{
    AuditLog, AuditOptions, ExternalQueue, JetStreamLog, Leases, Options, Presence, SharedLog,
    TaskLogs, Vault, WorkQueue,
};
use gateway::LogProbe;
use projections::{Freshness, LiveFeed, Overview, Store, Writer};
use runtime::{Clock, Config, Ids};
use scheduler::handlers::Means;
use secrecy::ExposeSecret as _;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
    process::{Child, ChildStdin, Command},
};
use tokio_util::sync::CancellationToken;

use crate::bare;

/// How long a part may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long a part may take to end.
const END_WITHIN: Duration = Duration::from_secs(15);

/// Which part a process plays.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Part {
    /// Echoes, reads rows and fans out without any of Almanac.
    Bare,
    /// Is asked.
    Gateway,
    /// Remembers.
    Projector,
    /// Acts when nobody asks.
    Scheduler,
    /// Works.
    Worker,
}

impl Part {
    /// Who it signs in as, to NATS and to Postgres; the bare one is no part of Almanac.
    pub const fn role(self) -> Option<(event_log::Role, local::Role)> {
        match self {
            Self::Bare => None,
            Self::Gateway => Some((event_log::Role::Gateway, local::Role::Gateway)),
            Self::Projector => Some((event_log::Role::Projector, local::Role::Projector)),
            Self::Scheduler => Some((event_log::Role::Scheduler, local::Role::Scheduler)),
            // It reads nothing in Postgres.
            Self::Worker => Some((event_log::Role::Worker, local::Role::Gateway)),
        }
    }
}

/// A part that runs.
pub struct Role {
    address: SocketAddr,
    child: Child,
    stdin: Option<ChildStdin>,
    pid: u32,
}

impl Role {
    /// Starts `part` with this environment and returns when it is ready.
    pub async fn start(part: Part, environment: &[(&'static str, String)]) -> Result<Self> {
        let name = format!("{part:?}").to_lowercase();
        let mut log = tempfile::tempfile()?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["role", &name])
            .envs(environment.iter().map(|(key, value)| (*key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.try_clone()?)
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take();
        let pid = child.id().context("it ended at once")?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(READY_WITHIN, lines.next_line()).await;
        let Ok(Ok(Some(line))) = line else {
            let mut words = String::new();
            log.rewind()?;
            log.read_to_string(&mut words)?;
            anyhow::bail!("the {name} does not start: {words}");
        };
        let address = line
            .parse()
            .with_context(|| format!("the {name} says {line:?}"))?;
        Ok(Self {
            address,
            child,
            stdin,
            pid,
        })
    }

    /// Where it listens; meaningless for parts that do not.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Ends it in good order.
    pub async fn end(mut self) -> Result<()> {
        drop(self.stdin.take());
        let ended = tokio::time::timeout(END_WITHIN, self.child.wait()).await;
        ended.context("a part does not end")??;
        Ok(())
    }
}

/// Plays `part` in this process.
pub async fn play(part: Part) -> Result<()> {
    let config = Config::load(None)?;
    let _telemetry = runtime::init_telemetry("bench", &config.telemetry)?;
    let shutdown = CancellationToken::new();
    let ends = shutdown.clone();
    std::thread::spawn(move || {
        // Whatever ends it: nobody is there any more.
        let _closed = std::io::stdin().read_to_end(&mut Vec::new());
        ends.cancel();
    });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let Some((role, _)) = part.role() else {
        let server = bare::server::Server::open(config.postgres.url.expose_secret()).await?;
        println!("{address}");
        return shutdown
            .run_until_cancelled(server.serve(listener))
            .await
            .unwrap_or(Ok(()));
    };
    let log = JetStreamLog::open(&options(&config.nats, role)).await?;
    let shared: SharedLog = Arc::new(log.clone());
    let clock = Clock::system();
    let commands = Commands::new(shared.clone(), clock.clone(), Ids::new(clock.clone()));
    match part {
        Part::Bare => {}
        Part::Gateway => {
            let store = Store::connect(&config.postgres).await?;
            let services = gateway(&config, &log, commands, store, shutdown.clone());
            let services = Box::pin(services).await?;
            println!("{address}");
            Box::pin(gateway::run(services, listener, shutdown)).await?;
        }
        Part::Projector => {
            let writer = Writer::connect(&config.postgres).await?;
            println!("{address}");
            let projecting = move || projections::run(shared, writer, shutdown);
            runtime::in_background("projector", projecting).await??;
        }
        Part::Scheduler => {
            let services = scheduler::Services {
                clock,
                commands,
                config: config.scheduler,
                leased: Presence::of_leased(&log).await?,
                leases: Leases::open(&log).await?,
                log: shared,
                overview: Overview::of_schedule(&config.postgres).await?,
                work: WorkQueue::new(&log),
                workers: Presence::of_workers(&log).await?,
            };
            println!("{address}");
            Box::pin(scheduler::run(services, shutdown)).await?;
        }
        Part::Worker => {
            let services = worker(&config, &log, commands, clock).await?;
            println!("{address}");
            scheduler::worker::run(services, shutdown).await?;
        }
    }
    Ok(())
}

/// How to open the log as `role`.
pub fn options(nats: &runtime::Nats, role: event_log::Role) -> Options {
    Options {
        accept_interval_sync: nats.accept_interval_sync,
        group_commit: true,
        monitor_url: nats.monitor_url.clone(),
        replicas: nats.replicas,
        role,
        url: nats.url.clone(),
    }
}

/// How to open the audit; the owner makes it.
pub fn audit_options(audit: &runtime::Audit, create: bool) -> AuditOptions {
    AuditOptions {
        create,
        keep: audit.keep(),
        max_bytes: audit.max_bytes,
        replicas: 1,
    }
}

/// A worker without the means of what it is not asked for.
async fn worker(
    config: &Config,
    log: &JetStreamLog,
    commands: Commands,
    clock: Clock,
) -> Result<scheduler::worker::Services> {
    Ok(scheduler::worker::Services {
        ids: Ids::new(clock.clone()),
        clock,
        commands,
        config: config.worker.clone(),
        log_level: config.task_logs.level,
        logs: TaskLogs::open(log, &config.task_logs, false).await?,
        means: Means {
            backup: None,
            extracts: None,
            files: None,
            keep_days: config.files.keep_days.get(),
            smtp: None,
            webhooks: config.webhooks.clone(),
        },
        presence: Presence::of_workers(log).await?,
        work: WorkQueue::new(log),
    })
}

async fn gateway(
    config: &Config,
    log: &JetStreamLog,
    commands: Commands,
    store: Store,
    shutdown: CancellationToken,
) -> Result<gateway::Services> {
    let shared: SharedLog = Arc::new(log.clone());
    let vault = Vault::open(log, &config.secrets.master_key()?).await?;
    let identity = Identity::open(commands.clone(), vault.clone()).await?;
    let audit_log = AuditLog::open(log, &audit_options(&config.audit, false)).await?;
    let audit = Audit::start(audit_log, vault, identity.clone(), config.audit.keep());
    let freshness = Freshness::watch(&store);
    let feed = LiveFeed::start(shared.clone(), freshness.clone(), shutdown);
    let incarnation = shared.head().await?.incarnation;
    let connected = log.clone();
    let head = move || -> futures::future::BoxFuture<'static, _> {
        let log = shared.clone();
        Box::pin(async move { log.head().await.ok().map(|head| head.position) })
    };
    let leased = Presence::of_leased(log).await?;
    let workers = Presence::of_workers(log).await?;
    let logs = TaskLogs::open(log, &config.task_logs, false).await?;
    let outside = commands::Ground {
        leased: leased.clone(),
        logs: logs.clone(),
        queue: ExternalQueue::new(log),
        workers: workers.clone(),
    };
    Ok(gateway::Services {
        audit,
        external: commands::External::new(commands.clone(), identity.clone(), outside),
        commands,
        config: config.gateway.clone(),
        feed,
        files: None,
        freshness,
        identity,
        log: LogProbe {
            head: Arc::new(head),
            incarnation,
            is_connected: Arc::new(move || connected.is_connected()),
        },
        store,
        task_logs: commands::TaskLogs::new(logs),
        workers: commands::Workers::new(workers, leased),
    })
}
