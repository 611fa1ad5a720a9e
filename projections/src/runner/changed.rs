//! What a batch changes in one read model.
//!
//! Invariant: it is all that writing needs, so the next batch can be folded meanwhile.

use schemas::Position;
use sqlx::{PgConnection, types::Json};

use super::{
    copy::Rows,
    fold::{Key, Living},
};
use crate::models::Model;

/// Rows to write, and rows to take away.
#[derive(Debug)]
pub(super) struct Changed<A> {
    /// Versions that ended.
    pub(super) closed: Vec<Closed<A>>,
    /// Aggregates that had a row and live no more.
    pub(super) ended: Vec<Key>,
    /// Current rows, in the order of the key.
    pub(super) upserts: Vec<Upsert<A>>,
}

/// A current row.
#[derive(Debug)]
pub(super) struct Upsert<A> {
    /// Whether there was none before the batch.
    pub(super) is_new: bool,
    pub(super) key: Key,
    pub(super) now: Living<A>,
}

/// A version that ended.
#[derive(Debug)]
pub(super) struct Closed<A> {
    pub(super) key: Key,
    /// Where the next one began, or the aggregate ended its life.
    pub(super) to: Position,
    pub(super) was: Living<A>,
}

impl<A: Model> Changed<A> {
    pub(super) async fn write(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rows: Vec<_> = self.upserts.iter().collect();
        Self::upsert(connection, &rows).await?;
        self.close(connection).await?;
        self.end(connection).await
    }

    /// The same into tables that nobody else writes: new rows as a stream.
    pub(super) async fn fill(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (new, old): (Vec<_>, Vec<_>) = self.upserts.iter().partition(|row| row.is_new);
        let mut rows = Rows::of(5);
        for Upsert { key, now, .. } in new {
            rows.row();
            rows.uuid(key.0.uuid());
            rows.uuid(key.1);
            rows.bigint(now.version.0 as i64);
            rows.bigint(now.position.0 as i64);
            rows.json(&*now.state)?;
        }
        rows.copy(connection, A::statements().copy.as_str()).await?;
        Self::upsert(connection, &old).await?;
        let mut rows = Rows::of(6);
        for Closed { key, to, was } in &self.closed {
            rows.row();
            rows.uuid(key.0.uuid());
            rows.uuid(key.1);
            rows.bigint(was.version.0 as i64);
            rows.bigint(was.position.0 as i64);
            rows.bigint(to.0 as i64);
            rows.json(&*was.state)?;
        }
        rows.copy(connection, A::statements().copy_history.as_str())
            .await?;
        self.end(connection).await
    }

    async fn upsert(connection: &mut PgConnection, rows: &[&Upsert<A>]) -> Result<(), sqlx::Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let written = sqlx::query(A::statements().upsert.as_str())
            .bind(rows.iter().map(|row| row.key.0.uuid()).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.key.1).collect::<Vec<_>>())
            .bind(
                rows.iter()
                    .map(|row| row.now.version.0 as i64)
                    .collect::<Vec<_>>(),
            )
            .bind(
                rows.iter()
                    .map(|row| row.now.position.0 as i64)
                    .collect::<Vec<_>>(),
            )
            .bind(
                rows.iter()
                    .map(|row| Json(&*row.now.state))
                    .collect::<Vec<_>>(),
            )
            .execute(connection)
            .await?;
        if written.rows_affected() == rows.len() as u64 {
            return Ok(());
        }
        Err(sqlx::Error::Decode(
            "a row of a read model is ahead of its checkpoint".into(),
        ))
    }

    async fn close(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.closed.is_empty() {
            return Ok(());
        }
        let closed = &self.closed;
        sqlx::query(A::statements().close.as_str())
            .bind(closed.iter().map(|c| c.key.0.uuid()).collect::<Vec<_>>())
            .bind(closed.iter().map(|c| c.key.1).collect::<Vec<_>>())
            .bind(
                closed
                    .iter()
                    .map(|c| c.was.version.0 as i64)
                    .collect::<Vec<_>>(),
            )
            .bind(
                closed
                    .iter()
                    .map(|c| c.was.position.0 as i64)
                    .collect::<Vec<_>>(),
            )
            .bind(closed.iter().map(|c| c.to.0 as i64).collect::<Vec<_>>())
            .bind(
                closed
                    .iter()
                    .map(|c| Json(&*c.was.state))
                    .collect::<Vec<_>>(),
            )
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn end(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.ended.is_empty() {
            return Ok(());
        }
        sqlx::query(A::statements().end.as_str())
            .bind(self.ended.iter().map(|k| k.0.uuid()).collect::<Vec<_>>())
            .bind(self.ended.iter().map(|k| k.1).collect::<Vec<_>>())
            .execute(connection)
            .await?;
        Ok(())
    }
}
