//! Who makes the tables.
//!
//! Invariant: it migrates and says who may do what; under forced row-level security it sees no row.

use sqlx::{Connection as _, PgConnection};

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

    /// Creates what is missing, brings what is there up to date, says who may do what, and shows
    /// analysts these tables.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.migrate_tables().await?;
        let mut connection = self.0.connection().await?;
        let mut published = connection.begin().await?;
        crate::analytics::publish(&mut published).await?;
        published.commit().await?;
        connection.close().await?;
        Ok(())
    }

    async fn migrate_tables(&self) -> Result<(), StoreError> {
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

    /// The same in another schema of the same database, which may be absent.
    pub(crate) fn beside(&self, schema: &str) -> Self {
        Self(self.0.beside(schema))
    }

    /// A connection of one's own, without a limit on time.
    pub(crate) async fn connection(&self) -> Result<PgConnection, StoreError> {
        self.0.connection().await
    }

    /// Makes another schema ready to be filled by its projector alone, until [`Self::after_fill`].
    pub(crate) async fn before_fill(&self, schema: &str) -> Result<(), StoreError> {
        self.run_beside(schema, include_str!("before_fill.sql"))
            .await
    }

    /// Makes what was filled as it would be if it had been made row by row.
    pub(crate) async fn after_fill(&self, schema: &str) -> Result<(), StoreError> {
        self.run_beside(schema, include_str!("after_fill.sql"))
            .await?;
        self.run_beside(schema, include_str!("grants.sql")).await
    }

    /// Empties another schema of the same database, which may be absent, and makes the tables
    /// there. Analysts go on seeing those they saw.
    pub(crate) async fn migrate_beside(&self, schema: &str) -> Result<(), StoreError> {
        self.run_beside(schema, include_str!("drop_schema.sql"))
            .await?;
        Self(self.0.beside(schema)).migrate_tables().await
    }

    /// Takes a schema away that [`Self::migrate_scratch`] made; that there is none is as good. Any
    /// other is refused.
    pub async fn drop_scratch(&self, schema: &str) -> Result<(), StoreError> {
        self.run_beside(schema, include_str!("drop_scratch.sql"))
            .await
    }

    /// Makes the tables in a schema for answers that nobody keeps, empty; refuses to take the place
    /// of one that is not for that.
    pub(crate) async fn migrate_scratch(&self, schema: &str) -> Result<(), StoreError> {
        self.drop_scratch(schema).await?;
        self.run_beside(schema, include_str!("create_scratch.sql"))
            .await?;
        Self(self.0.beside(schema)).migrate_tables().await
    }

    async fn run_beside(&self, schema: &str, sql: &'static str) -> Result<(), StoreError> {
        let mut connection = self.0.beside(schema).connection().await?;
        sqlx::raw_sql(sql).execute(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }
}
