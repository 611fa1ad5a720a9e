//! Configuration: a TOML file, overridden by `ALMANAC__<SECTION>__<KEY>` in the environment.
//!
//! Invariant: an unknown key, a wrong type or an unsafe value is an error at start, never a
//! surprise later.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::Path,
    time::Duration,
};

use ipnet::IpNet;
use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    Files, InvalidFiles, InvalidNotice, InvalidOidc, Limits, Nats, OidcProvider, Origin, Postgres,
    Rebuild, Secrets, Smtp, TaskLogs, Webhook, WorkLimits, notices, oidc,
};

/// The least room for the audit: some ten thousand records.
const AUDIT_MIN_BYTES: u64 = 16 << 20;

/// Everything a process may be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who did or tried what.
    #[serde(default)]
    pub audit: Audit,
    /// Where files are kept.
    #[serde(default)]
    pub files: Files,
    /// Who is asked.
    #[serde(default)]
    pub gateway: Gateway,
    /// The log.
    pub nats: Nats,
    /// The read models.
    pub postgres: Postgres,
    /// Who makes other copies of the read models.
    #[serde(default)]
    pub rebuild: Rebuild,
    /// Who acts when nobody asks.
    #[serde(default)]
    pub scheduler: Scheduler,
    /// What must not be read by others.
    pub secrets: Secrets,
    /// Who sends mail for tasks.
    #[serde(default)]
    pub smtp: Option<Smtp>,
    /// What attempts say while they run.
    #[serde(default)]
    pub task_logs: TaskLogs,
    /// What is told about the work.
    #[serde(default)]
    pub telemetry: Telemetry,
    /// Whom tasks may tell by webhook, by name.
    #[serde(default)]
    pub webhooks: BTreeMap<String, Webhook>,
    /// Who does the work.
    #[serde(default)]
    pub worker: Worker,
}

/// How long it is kept who did or tried what.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// For how many days.
    pub keep_days: NonZeroU32,
    /// The most bytes; beyond them the oldest records give way before their time.
    pub max_bytes: u64,
}

/// How the gateway serves.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gateway {
    /// Let other machines sign in although nothing encrypts what they send.
    pub accept_plaintext: bool,
    /// How long a request may take until its answer begins, in milliseconds; one that the client
    /// is slow to send, or that waits for something, as well.
    pub answer_within_ms: NonZeroU32,
    /// How long a client may take to send a body, in milliseconds.
    pub body_within_ms: NonZeroU32,
    /// Connections at a time; more wait to be accepted.
    pub connections_max: NonZeroU32,
    /// The origins whose pages may use the API from a browser, besides the gateway's own.
    pub cors_origins: Vec<Origin>,
    /// How much one client may ask.
    pub limits: Limits,
    /// Where to listen.
    pub listen: SocketAddr,
    /// How many positions a follower of a list may be behind before all rows are sent again.
    pub live_behind_max: u64,
    /// Who else may say who somebody is.
    pub oidc: Vec<OidcProvider>,
    /// The address that people use, when it is not `http://<listen>`; cookies are `Secure` if it is
    /// `https`.
    pub public_url: Option<String>,
    /// Whether strangers may register.
    pub registration: Registration,
    /// The networks whose hosts are believed when they say whom they forward for.
    pub trusted_proxies: Vec<IpNet>,
}

/// Whether strangers may register.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Only administrators add users.
    #[default]
    Closed,
    /// Whoever asks becomes an operator.
    Open,
}

/// How due jobs are fired.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scheduler {
    /// How many slots of one job are caught up at most after downtime.
    pub catch_up_max: usize,
    /// How much of the work may go on at a time.
    pub limits: WorkLimits,
}

/// What is told about the work.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Which log lines to write, as in `info,gateway=debug`.
    pub filter: Option<String>,
    /// Where to send traces (OTLP over HTTP), such as `http://127.0.0.1:4318/v1/traces`.
    pub otlp_endpoint: Option<String>,
    /// Write log lines as JSON.
    pub json: bool,
}

/// How tasks are worked on.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Worker {
    /// Let tasks run programs on this machine, as the user of this process.
    pub allow_commands: bool,
    /// Let tasks call private and loopback addresses.
    pub allow_private_addresses: bool,
    /// Where the log and the sealed vault are read for backups, with credentials:
    /// `almanac_backup`. Without it this worker takes no tasks of the kind `backup`.
    pub backup_nats_url: Option<SecretString>,
    /// Attempts at a time; as many more of each kind that not every worker can do.
    pub concurrency: usize,
    /// How long attempts may take to end on shutdown, in milliseconds.
    pub drain_ms: u64,
    /// Where reports and exports are read, with credentials: `almanac_worker`. Without it this
    /// worker takes no tasks of the kinds `export` and `generate-report`.
    pub postgres_url: Option<SecretString>,
    /// Where it is, for whoever looks at the workers.
    pub zone: Option<String>,
}

/// Why a process cannot be configured.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The audit would have no room, or no limit.
    #[error("audit.max_bytes must be from 16777216 (16 MiB) up")]
    AuditRoom,
    /// Files cannot be kept there, or not safely.
    #[error(transparent)]
    Files(#[from] InvalidFiles),
    /// A key is missing, unknown or of the wrong type.
    #[error("configuration: {0}")]
    Invalid(#[from] config::ConfigError),
    /// The master key is not what it must be.
    #[error(
        "secrets.master_key must be 64 hexadecimal digits; make one with `openssl rand -hex 32`"
    )]
    MasterKey,
    /// Notices cannot be sent, or not safely.
    #[error(transparent)]
    Notice(#[from] InvalidNotice),
    /// Secrets would be sent in the clear.
    #[error("{what}; {instead}, or set {accept} = true if the network itself encrypts")]
    Plaintext {
        /// The key that accepts it.
        accept: &'static str,
        /// What to do.
        instead: &'static str,
        /// What would happen.
        what: &'static str,
    },
    /// A provider to sign in by cannot be used, or not safely.
    #[error(transparent)]
    Oidc(#[from] InvalidOidc),
    /// Whoever asks would choose the address that they are counted by.
    #[error("gateway.trusted_proxies: {0} is everybody; name the networks of your proxies")]
    TrustsEverybody(IpNet),
}

impl Config {
    /// Reads `file`, if given, and the environment.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut builder = config::Config::builder();
        if let Some(file) = file {
            builder = builder.add_source(config::File::from(file));
        }
        let environment = config::Environment::with_prefix("ALMANAC")
            .prefix_separator("__")
            .separator("__")
            .list_separator(",")
            .with_list_parse_key("gateway.cors_origins")
            .with_list_parse_key("gateway.trusted_proxies");
        let config: Self = builder
            .add_source(environment.try_parsing(true))
            .build()?
            .try_deserialize()?;
        config.secrets.master_key()?;
        config.audit.check()?;
        config.files.check()?;
        config.gateway.check()?;
        notices::check(config.smtp.as_ref(), &config.webhooks)?;
        crate::wire::check(&config)?;
        Ok(config)
    }
}

impl Audit {
    /// How long it is kept.
    pub fn keep(&self) -> Duration {
        Duration::from_hours(24 * u64::from(self.keep_days.get()))
    }

    /// A stream without a limit would let whoever is refused fill the disk.
    fn check(&self) -> Result<(), ConfigError> {
        if (AUDIT_MIN_BYTES..=i64::MAX as u64).contains(&self.max_bytes) {
            Ok(())
        } else {
            Err(ConfigError::AuditRoom)
        }
    }
}

impl Gateway {
    /// Whether `peer` is believed when it says whom it forwards for. An IPv4 address that is
    /// written as an IPv6 one counts as what it is.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        let contains = |network: &IpNet| network.contains(&peer);
        self.trusted_proxies.iter().any(contains)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let everybody = |network: &&IpNet| network.prefix_len() == 0;
        match self.trusted_proxies.iter().find(everybody) {
            Some(network) => return Err(ConfigError::TrustsEverybody(*network)),
            None => oidc::check(&self.oidc, self.public_url.as_deref(), self.listen)?,
        }
        Ok(())
    }
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            keep_days: NonZeroU32::MIN.saturating_add(399),
            max_bytes: 2 << 30,
        }
    }
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            accept_plaintext: false,
            answer_within_ms: NonZeroU32::MIN.saturating_add(59_999),
            body_within_ms: NonZeroU32::MIN.saturating_add(29_999),
            connections_max: NonZeroU32::MIN.saturating_add(10_239),
            cors_origins: Vec::new(),
            limits: Limits::default(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            live_behind_max: 100_000,
            oidc: Vec::new(),
            public_url: None,
            registration: Registration::Closed,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Default for Scheduler {
    fn default() -> Self {
        Self {
            catch_up_max: 100,
            limits: WorkLimits::default(),
        }
    }
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            allow_commands: false,
            allow_private_addresses: false,
            backup_nats_url: None,
            concurrency: 10,
            drain_ms: 10_000,
            postgres_url: None,
            zone: None,
        }
    }
}

#[cfg(test)]
mod tests;
