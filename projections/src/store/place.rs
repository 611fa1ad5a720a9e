//! Where the tables are, and sessions there.
//!
//! Invariant: no statement names a schema; every connection stands in the place's own.

use std::{str::FromStr as _, sync::Arc, time::Duration};

use secrecy::ExposeSecret as _;
use sqlx::{
    ConnectOptions as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::StoreError;

/// The schema of the read models that are served.
const SCHEMA: &str = "app";
/// How long a read may take in Postgres.
const READ_TIMEOUT: &str = "5s";
/// How long to wait for a connection: a caller rather hears that there is none.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// A schema of a database, and who signs in there.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    options: PgConnectOptions,
    schema: Arc<str>,
}

impl Place {
    /// Where the read models are that are served.
    pub(crate) fn of(config: &runtime::Postgres) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(config.url.expose_secret())
            .map_err(|_| StoreError::Corrupt("postgres.url is not a Postgres URL".into()))?
            .application_name("almanac");
        Ok(Self {
            options,
            schema: SCHEMA.into(),
        })
    }

    /// The same database and role in another schema, which may be absent.
    pub(super) fn beside(&self, schema: &str) -> Self {
        Self {
            options: self.options.clone(),
            schema: schema.into(),
        }
    }

    /// The schema.
    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    /// The channel on which the projector tells new positions.
    pub(super) fn channel(&self) -> String {
        format!("{}_checkpoint", self.schema)
    }

    /// A connection of one's own, without a limit on time.
    pub(crate) async fn connection(&self) -> Result<PgConnection, StoreError> {
        Ok(self.session("0").connect().await?)
    }

    /// Connections for reads, each of which ends within seconds.
    pub(super) fn pool(&self, connections: u32) -> PgPool {
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .connect_lazy_with(self.session(READ_TIMEOUT))
    }

    /// A session that Postgres ends soon after the other side is gone.
    fn session(&self, timeout: &str) -> PgConnectOptions {
        self.options.clone().options([
            ("search_path", &*self.schema),
            ("statement_timeout", timeout),
            // A proof folds the log in the middle of its transaction.
            ("idle_in_transaction_session_timeout", "0"),
            ("timezone", "UTC"),
            ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
        ])
    }
}
