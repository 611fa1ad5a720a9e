//! Who writes the rows.
//!
//! Invariant: it sees and writes the rows of all tenants, and changes no table.

use sqlx::{Connection as _, PgConnection};

use super::{Access, ConnectError, Place, StoreError};

/// The read models' database, for its projector.
#[derive(Clone, Debug)]
pub struct Writer(Place);

impl Writer {
    /// Connects; refuses a role that may do more than write rows, or less.
    pub async fn connect(config: &runtime::Postgres) -> Result<Self, ConnectError> {
        let writer = Self(Place::of(config)?);
        let mut connection = writer.connection().await?;
        Access::Write.check(&mut connection).await?;
        connection.close().await.map_err(StoreError::from)?;
        Ok(writer)
    }

    /// The same database in another schema.
    pub(crate) fn beside(&self, schema: &str) -> Self {
        Self(self.0.beside(schema))
    }

    /// The schema it writes in.
    pub(crate) fn schema(&self) -> &str {
        self.0.schema()
    }

    /// The channel on which it tells new positions.
    pub(crate) fn channel(&self) -> String {
        self.0.channel()
    }

    /// A connection of one's own, without a limit on time.
    pub(crate) async fn connection(&self) -> Result<PgConnection, StoreError> {
        self.0.connection().await
    }
}
