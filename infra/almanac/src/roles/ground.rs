//! What the parts stand on: the log, and the one way to change it.
//!
//! Invariant: each part has a connection of its own, as the user that it is.

use std::sync::Arc;

use anyhow::Result;
use commands::{Audit, Commands, Identity, Notary};
use event_log::{AuditLog, AuditOptions, JetStreamLog, Options, Role, SharedLog, TaskLogs, Vault};
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
    /// Opens the log as `role`; the owner makes streams that are missing.
    pub async fn open(config: Config, role: Role) -> Result<Self> {
        let log = open_log(&config.nats, role).await?;
        if role == Role::Owner {
            open_audit_log(&log, &config, true).await?;
            TaskLogs::open(&log, &config.task_logs, true).await?;
        }
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

    /// Who did or tried what, as it is kept.
    pub async fn audit_log(&self) -> Result<AuditLog> {
        open_audit_log(&self.log, &self.config, false).await
    }

    /// What attempts say while they run.
    pub async fn task_logs(&self) -> Result<TaskLogs> {
        Ok(TaskLogs::open(&self.log, &self.config.task_logs, false).await?)
    }

    /// Writes who did or tried what; at most one in a process.
    pub async fn audit(&self, identity: &Identity) -> Result<Audit> {
        let vault = Vault::open(&self.log, &self.config.secrets.master_key()?).await?;
        let (log, keep) = (self.audit_log().await?, self.config.audit.keep());
        Ok(Audit::start(log, vault, identity.clone(), keep))
    }

    /// Who signs the log.
    pub async fn notary(&self) -> Result<Notary> {
        let key = self.config.secrets.master_key()?;
        let vault = Vault::open(&self.log, &key).await?;
        Ok(Notary::new(self.commands.clone(), vault))
    }

    /// Who somebody is.
    pub async fn identity(&self) -> Result<Identity> {
        let key = self.config.secrets.master_key()?;
        let vault = Vault::open(&self.log, &key).await?;
        Ok(Identity::open(self.commands.clone(), vault).await?)
    }
}

/// Opens the audit's stream; `create` is whether it may be made, and given the limits of `config`.
async fn open_audit_log(log: &JetStreamLog, config: &Config, create: bool) -> Result<AuditLog> {
    let options = AuditOptions {
        create,
        keep: config.audit.keep(),
        max_bytes: config.audit.max_bytes,
        replicas: config.nats.replicas,
    };
    Ok(AuditLog::open(log, &options).await?)
}

/// Opens the log by itself, as `role`.
pub async fn open_log(nats: &Nats, role: Role) -> Result<JetStreamLog> {
    let options = Options {
        accept_interval_sync: nats.accept_interval_sync,
        group_commit: true,
        monitor_url: nats.monitor_url.clone(),
        replicas: nats.replicas,
        role,
        url: nats.url.clone(),
    };
    Ok(JetStreamLog::open(&options).await?)
}
