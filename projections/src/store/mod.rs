//! The way to Postgres.
//!
//! Invariant: no statement names a schema; every connection stands in the store's own. Reads end
//! within seconds, also if Postgres hangs, and a connection that broke since its last use costs a
//! read one retry, not an error.

mod error;

use std::{str::FromStr as _, sync::Arc, time::Duration};

use schemas::Position;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::watch;

pub use error::StoreError;
pub(crate) use error::class;

/// Where the read models are.
const SCHEMA: &str = "app";
/// How long a read may take in Postgres.
const READ_TIMEOUT: &str = "5s";
/// How long to wait for it: a Postgres that hangs does not even refuse.
const READ_LIMIT: Duration = Duration::from_secs(6);
/// How long to wait for a connection: a caller rather hears that there is none.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The read models' database. Clones share connections.
#[derive(Clone, Debug)]
pub struct Store {
    connections: u32,
    options: PgConnectOptions,
    pool: PgPool,
    reached: Arc<watch::Sender<Position>>,
    schema: Arc<str>,
}

impl Store {
    /// Connects; fails if Postgres cannot be reached.
    pub async fn connect(config: &runtime::Postgres) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(config.url.expose_secret())
            .map_err(|_| StoreError::Corrupt("postgres.url is not a Postgres URL".into()))?
            .application_name("almanac");
        let store = Self::in_schema(options, config.connections, SCHEMA);
        store.pool.acquire().await?;
        Ok(store)
    }

    /// Creates what is missing and brings what is there up to date.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut connection = self.own_connection().await?;
        sqlx::raw_sql(include_str!("create_schema.sql"))
            .execute(&mut connection)
            .await?;
        MIGRATOR
            .run(&mut connection)
            .await
            .map_err(|failure| match failure {
                sqlx::migrate::MigrateError::Execute(failure) => StoreError::from(failure),
                other => StoreError::Corrupt(other.to_string()),
            })?;
        connection.close().await?;
        Ok(())
    }

    /// Lets the role `analyst` sign in with `password` to read the tables, within limits, and
    /// nothing else; may be repeated.
    pub async fn grant_analyst(&self, password: &SecretString) -> Result<(), StoreError> {
        let mut connection = self.own_connection().await?;
        sqlx::query("SELECT set_config('almanac.password', $1, false)")
            .bind(password.expose_secret())
            .execute(&mut connection)
            .await?;
        sqlx::raw_sql(include_str!("grant_analyst.sql"))
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        Ok(())
    }

    /// The same database in another schema, which may be absent.
    pub(crate) fn beside(&self, schema: &str) -> Self {
        Self::in_schema(self.options.clone(), self.connections, schema)
    }

    /// The schema it stands in.
    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    /// The channel on which the projector tells new positions.
    pub(crate) fn channel(&self) -> String {
        format!("{}_checkpoint", self.schema)
    }

    /// What the reads use.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The positions that this process knows to be reached.
    pub(crate) fn reached(&self) -> &watch::Sender<Position> {
        &self.reached
    }

    /// Makes known that `position` is reached.
    pub(crate) fn publish(&self, position: Position) {
        self.reached.send_if_modified(|reached| {
            let news = position > *reached;
            *reached = position.max(*reached);
            news
        });
    }

    /// A connection of one's own, without a limit on time.
    pub(crate) async fn own_connection(&self) -> Result<PgConnection, StoreError> {
        Ok(in_place(&self.options, &self.schema, "0").connect().await?)
    }

    /// Runs a read; once more if its connection turns out to be broken.
    pub(crate) async fn read<T, Reading>(
        &self,
        read: impl FnMut(PgPool) -> Reading,
    ) -> Result<T, StoreError>
    where
        Reading: Future<Output = Result<T, sqlx::Error>> + Send,
    {
        self.read_within(READ_LIMIT, read).await
    }

    /// The same for a read that may take longer.
    pub(crate) async fn read_within<T, Reading>(
        &self,
        limit: Duration,
        mut read: impl FnMut(PgPool) -> Reading,
    ) -> Result<T, StoreError>
    where
        Reading: Future<Output = Result<T, sqlx::Error>> + Send,
    {
        let reading = async {
            match read(self.pool.clone()).await {
                Err(failure) if error::is_broken_connection(&failure) => {
                    read(self.pool.clone()).await
                }
                answer => answer,
            }
        };
        match tokio::time::timeout(limit, reading).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(StoreError::Unavailable("Postgres does not answer".into())),
        }
    }

    fn in_schema(options: PgConnectOptions, connections: u32, schema: &str) -> Self {
        // One more than configured, since listening for positions keeps one.
        let pool = PgPoolOptions::new()
            .max_connections(connections.saturating_add(1))
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .connect_lazy_with(in_place(&options, schema, READ_TIMEOUT));
        Self {
            connections,
            options,
            pool,
            reached: Arc::new(watch::Sender::new(Position(0))),
            schema: schema.into(),
        }
    }
}

/// A session in `schema` that Postgres ends soon after the other side is gone.
fn in_place(options: &PgConnectOptions, schema: &str, timeout: &str) -> PgConnectOptions {
    options.clone().options([
        ("search_path", schema),
        ("statement_timeout", timeout),
        ("timezone", "UTC"),
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ])
}
