//! What the parts stand on: the log, and the one way to change it.
//!
//! Invariant: parts of one process share one connection to the log and one cache of aggregates.

use std::sync::Arc;

use anyhow::Result;
use commands::{Commands, Identity};
use event_log::{JetStreamLog, Options, SharedLog, Vault};
use runtime::{Clock, Config, Ids, Nats};

/// What the parts stand on.
#[derive(Clone)]
pub struct Ground {
    /// What time it is.
    pub clock: Clock,
    /// The way to change anything.
    pub commands: Commands,
    /// What this process was told.
    pub config: Arc<Config>,
    /// New identities.
    pub ids: Ids,
    /// What happened.
    pub log: JetStreamLog,
}

impl Ground {
    /// Opens the log; `create` is whether streams that are missing may be made.
    pub async fn open(config: Config, create: bool) -> Result<Self> {
        let log = open_log(&config.nats, create).await?;
        let clock = Clock::system();
        let ids = Ids::new(clock.clone());
        let shared: SharedLog = Arc::new(log.clone());
        Ok(Self {
            commands: Commands::new(shared, clock.clone(), ids.clone()),
            clock,
            config: Arc::new(config),
            ids,
            log,
        })
    }

    /// The log, for those who only need the contract.
    pub fn shared_log(&self) -> SharedLog {
        Arc::new(self.log.clone())
    }

    /// Who somebody is.
    pub async fn identity(&self) -> Result<Identity> {
        let key = self.config.secrets.master_key()?;
        let vault = Vault::open(&self.log, &key).await?;
        Ok(Identity::open(self.commands.clone(), vault).await?)
    }
}

/// Opens the log by itself.
pub async fn open_log(nats: &Nats, create: bool) -> Result<JetStreamLog> {
    let options = Options {
        accept_interval_sync: nats.accept_interval_sync,
        create,
        group_commit: true,
        monitor_url: nats.monitor_url.clone(),
        replicas: nats.replicas,
        url: nats.url.clone(),
    };
    Ok(JetStreamLog::open(&options).await?)
}
