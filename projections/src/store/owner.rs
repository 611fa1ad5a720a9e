//! Who makes the tables.
//!
//! Invariant: it migrates and says who may do what; under forced row-level security it sees no row.

use sqlx::Connection as _;

use super::{Access, ConnectError, Place, StoreError};

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The read models' database, for its owner.
#[derive(Clone, Debug)]
pub struct Owner(Place);

impl Owner {
    /// Connects; refuses a superuser, whose functions would run as one for others.
    pub async fn connect(config: &runtime::Postgres) -> Result<Self, ConnectError> {
        let place = Place::of(config)?;
        let mut connection = place.connection().await?;
        Access::Own.check(&mut connection).await?;
        connection.close().await.map_err(StoreError::from)?;
        Ok(Self(place))
    }

    /// Creates what is missing, brings what is there up to date, and says who may do what.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut connection = self.0.connection().await?;
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
        sqlx::raw_sql(include_str!("grants.sql"))
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        Ok(())
    }

    /// Empties another schema of the same database, which may be absent, and makes the tables
    /// there.
    pub(crate) async fn migrate_beside(&self, schema: &str) -> Result<(), StoreError> {
        let beside = Self(self.0.beside(schema));
        let mut connection = beside.0.connection().await?;
        sqlx::raw_sql(include_str!("drop_schema.sql"))
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        beside.migrate().await
    }
}
