//! Who reads for tenants.
//!
//! Invariant: the only way from here to a tenant's row is a transaction that names the tenant first
//! and is forgotten with it; Postgres shows that transaction the rows of that tenant alone.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use schemas::{Position, domain::TenantId};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction, postgres::PgListener};
use tokio::sync::watch;

use super::{Access, ConnectError, Place, READ_LIMIT, StoreError, error, in_time};
use crate::Generation;

/// The read models' database, for what serves tenants. Clones share connections.
#[derive(Clone, Debug)]
pub struct Store {
    generation: Arc<watch::Sender<Generation>>,
    place: Place,
    pub(super) pool: PgPool,
    reached: Arc<watch::Sender<Position>>,
}

/// A transaction that sees the rows of the tenants it was begun for, and changes nothing.
///
/// Its end is a rollback, which goes out together with the check that every connection gets when it
/// is given back: it costs the reader no round trip.
#[derive(Debug)]
pub(crate) struct TenantTransaction(Transaction<'static, Postgres>);

impl Store {
    /// Connects; refuses a role that sees more than one tenant at a time, or may write.
    pub async fn connect(config: &runtime::Postgres) -> Result<Self, ConnectError> {
        let place = Place::of(config)?;
        // One more than configured, since listening for positions keeps one.
        let pool = place.pool(config.connections.saturating_add(1));
        let mut connection = pool.acquire().await.map_err(StoreError::from)?;
        Access::OneTenant.check(&mut connection).await?;
        drop(connection);
        Ok(Self {
            generation: Arc::default(),
            place,
            pool,
            reached: Arc::new(watch::Sender::new(Position(0))),
        })
    }

    /// Runs a read of `tenant`'s rows; once more if its connection turns out to be broken.
    pub(crate) async fn read<T, Reading>(
        &self,
        tenant: TenantId,
        read: impl FnMut(TenantTransaction) -> Reading,
    ) -> Result<T, StoreError>
    where
        Reading: Future<Output = Result<T, sqlx::Error>> + Send,
    {
        self.read_as(format!("almanac.tenant = '{tenant}'"), read)
            .await
    }

    /// Runs a read of the tenants' own rows, for platform administrators; it sees nothing else of
    /// them.
    pub(crate) async fn read_tenants<T, Reading>(
        &self,
        read: impl FnMut(TenantTransaction) -> Reading,
    ) -> Result<T, StoreError>
    where
        Reading: Future<Output = Result<T, sqlx::Error>> + Send,
    {
        self.read_as("almanac.list = 'tenants'".to_owned(), read)
            .await
    }

    /// Runs a read of the events of several tenants; it sees nothing else of them.
    pub(crate) async fn read_events<T, Reading>(
        &self,
        tenants: &[TenantId],
        read: impl FnMut(TenantTransaction) -> Reading,
    ) -> Result<T, StoreError>
    where
        Reading: Future<Output = Result<T, sqlx::Error>> + Send,
    {
        let named: Vec<_> = tenants.iter().map(TenantId::to_string).collect();
        let named = named.join(",");
        self.read_as(format!("almanac.tenant = '{named}'"), read)
            .await
    }

    /// The position of the read models and their generation, which are no tenant's.
    pub(crate) async fn standing(&self) -> Result<(Position, Generation), StoreError> {
        let found = self.read_untenanted(|pool| async move {
            let ask = "select position, generation from checkpoint";
            let asked = sqlx::query_as::<_, (i64, i64)>(ask);
            asked.fetch_optional(&pool).await
        });
        let (position, generation) = found.await?.unwrap_or_default();
        Ok((Position(position as u64), Generation(generation as u64)))
    }

    /// Runs a read of what is no tenant's; it sees nothing of any.
    pub(crate) async fn read_untenanted<T, Reading>(
        &self,
        mut read: impl FnMut(PgPool) -> Reading,
    ) -> Result<T, StoreError>
    where
        Reading: Future<Output = Result<T, sqlx::Error>> + Send,
    {
        in_time(READ_LIMIT, async {
            match read(self.pool.clone()).await {
                Err(failure) if error::is_broken_connection(&failure) => {
                    read(self.pool.clone()).await
                }
                answer => answer,
            }
        })
        .await
    }

    /// Hears of new positions.
    pub(crate) async fn listener(&self) -> Result<PgListener, StoreError> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(&self.place.channel()).await?;
        Ok(listener)
    }

    /// The positions that this process knows to be reached.
    pub(crate) fn reached(&self) -> &watch::Sender<Position> {
        &self.reached
    }

    /// The generation that this process knows.
    pub(crate) fn generation(&self) -> &watch::Sender<Generation> {
        &self.generation
    }

    /// Makes known that `generation` has begun.
    pub(crate) fn begin(&self, generation: Generation) {
        self.generation.send_if_modified(|known| {
            let news = generation > *known;
            *known = generation.max(*known);
            news
        });
    }

    /// Makes known that `position` is reached.
    pub(crate) fn publish(&self, position: Position) {
        self.reached.send_if_modified(|reached| {
            let news = position > *reached;
            *reached = position.max(*reached);
            news
        });
    }

    /// `named` is a setting, made of words of this file and of ids: digits, letters from a to f,
    /// hyphens and commas.
    async fn read_as<T, Reading>(
        &self,
        named: String,
        mut read: impl FnMut(TenantTransaction) -> Reading,
    ) -> Result<T, StoreError>
    where
        Reading: Future<Output = Result<T, sqlx::Error>> + Send,
    {
        // One message, so that naming the tenant costs no round trip of its own.
        let begin = format!("begin read only; set local {named}");
        in_time(READ_LIMIT, async {
            let mut tried = false;
            loop {
                match Box::pin(self.once(&begin, &mut read)).await {
                    Err(failure) if !tried && error::is_broken_connection(&failure) => tried = true,
                    answer => return answer,
                }
            }
        })
        .await
    }

    async fn once<T, Reading>(
        &self,
        begin: &str,
        read: &mut impl FnMut(TenantTransaction) -> Reading,
    ) -> Result<T, sqlx::Error>
    where
        Reading: Future<Output = Result<T, sqlx::Error>> + Send,
    {
        let transaction = self.pool.begin_with(AssertSqlSafe(begin)).await?;
        read(TenantTransaction(transaction)).await
    }
}

impl Deref for TenantTransaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for TenantTransaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}
