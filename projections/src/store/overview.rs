//! Who reads the rows of all tenants.
//!
//! Invariant: it writes nothing; what serves tenants cannot be given one, since it is another type.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};

use super::{Access, ConnectError, Place, READ_LIMIT, StoreError, error, in_time};

/// The read models' database, for the scheduler and for those who look after an installation.
#[derive(Clone, Debug)]
pub struct Overview {
    place: Place,
    pool: PgPool,
}

impl Overview {
    /// Connects to read every table; refuses a role that may do more, or less.
    pub async fn of_everything(config: &runtime::Postgres) -> Result<Self, ConnectError> {
        Self::connect(config, Access::Everything).await
    }

    /// Connects to read what is to happen; refuses a role that may do more, or less.
    pub async fn of_schedule(config: &runtime::Postgres) -> Result<Self, ConnectError> {
        Self::connect(config, Access::Schedule).await
    }

    /// The same role in another schema of the same database, where another copy of the read models
    /// may be.
    #[must_use]
    pub fn beside(&self, schema: &str) -> Self {
        let place = self.place.beside(schema);
        let pool = place.pool(self.pool.options().get_max_connections());
        Self { place, pool }
    }

    async fn connect(config: &runtime::Postgres, access: Access) -> Result<Self, ConnectError> {
        let place = Place::of(config)?;
        let pool = place.pool(config.connections);
        let mut connection = pool.acquire().await.map_err(StoreError::from)?;
        access.check(&mut connection).await?;
        drop(connection);
        Ok(Self { place, pool })
    }

    /// A connection of one's own, without a limit on time.
    pub(crate) async fn connection(&self) -> Result<PgConnection, StoreError> {
        self.place.connection().await
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
        in_time(limit, async {
            match read(self.pool.clone()).await {
                Err(failure) if error::is_broken_connection(&failure) => {
                    read(self.pool.clone()).await
                }
                answer => answer,
            }
        })
        .await
    }
}
