//! How the servers are reached that everything stands on.
//!
//! Invariant: credentials are part of a URL, and no URL is printed.

use secrecy::SecretString;
use serde::Deserialize;

/// How the log is reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nats {
    /// Where the server's monitor answers, for the check that it syncs every write.
    pub monitor_url: String,
    /// How many copies of each message the streams keep.
    #[serde(default = "one")]
    pub replicas: usize,
    /// Accept a server that syncs at intervals: an acknowledged command may then be lost in a power
    /// cut.
    #[serde(default)]
    pub accept_interval_sync: bool,
    /// Reach a server on another machine unencrypted.
    #[serde(default)]
    pub accept_plaintext: bool,
    /// Where the server listens, with the credentials of this kind of process.
    pub url: SecretString,
}

/// How the read models are reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// Reach a server on another machine unencrypted, or without proof of who it is.
    #[serde(default)]
    pub accept_plaintext: bool,
    /// Connections kept open by one process.
    #[serde(default = "eight")]
    pub connections: u32,
    /// Where the database is, with credentials.
    pub url: SecretString,
}

/// Who makes other copies of the read models, in schemas of the same database: beside
/// `postgres.url`, which reads them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rebuild {
    /// Who makes the tables, with credentials: `almanac_owner`.
    pub owner_url: Option<SecretString>,
    /// Who fills them, with credentials: `almanac_projector`.
    pub projector_url: Option<SecretString>,
}

fn one() -> usize {
    1
}

fn eight() -> u32 {
    8
}
