//! Rows of one tenant for reports and exports, by SQL that somebody else may have written.
//!
//! The SQL runs as `almanac_worker`, which sees the views of analysts and no table, and of those
//! the rows of one tenant, which is said to Postgres before (`begin_extract`, in the migrations)
//! and cannot be unsaid; all of it of one moment, which bears one position.
//!
//! Invariant: a connection serves one extract and is closed with it, so nothing that the SQL has
//! done to its session outlasts it; nothing is ever committed. Time, rows and the bytes of each row
//! are bounded.

mod error;

use std::{collections::BTreeSet, time::Duration};

use futures::{Stream, StreamExt as _, TryStreamExt as _};
use schemas::{Position, domain::TenantId};
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Executor as _, PgConnection, SqlSafeStr as _,
    Statement as _, TypeInfo as _,
};

use crate::store::{Access, ConnectError, Place, StoreError};

pub use error::ExtractError;

/// How many bytes one row may have, as JSON.
pub const ROW_MAX: usize = 1 << 20;
/// How soon Postgres finds out that nobody waits for an answer any more.
const GONE_AFTER_MS: u64 = 1_000;
/// How long to wait for somebody else's lock.
const LOCK_TIMEOUT_MS: u64 = 2_000;

/// Where extracts are read.
#[derive(Clone, Debug)]
pub struct Extracts(Place);

/// An extract that is being read.
pub struct Extract {
    connection: PgConnection,
    position: Position,
}

/// A question whose columns are known.
#[derive(Clone, Debug)]
pub struct Question {
    columns: Vec<ExtractColumn>,
    sql: String,
}

/// A column of an extract.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExtractColumn {
    /// The type, as Postgres calls it: `INT8`, `TIMESTAMPTZ`, `TEXT`, ….
    pub kind: String,
    /// What it is called.
    pub name: String,
}

/// Whether what tells of users is in an extract.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum People {
    /// It is, without what is personal: for administrators.
    Shown,
    /// It is not.
    Left,
}

impl Extracts {
    /// Connects once, to refuse a role that may do more, or less.
    pub async fn connect(config: &runtime::Postgres) -> Result<Self, ConnectError> {
        let extracts = Self(Place::of(config)?);
        let mut connection = extracts.0.connection().await?;
        Access::Extract.check(&mut connection).await?;
        connection.close().await.map_err(StoreError::from)?;
        Ok(extracts)
    }

    /// Begins an extract of `tenant`, of which each statement may take `limit`.
    pub async fn begin(
        &self,
        tenant: TenantId,
        people: People,
        limit: Duration,
    ) -> Result<Extract, ExtractError> {
        let mut connection = self.0.connection().await?;
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let limit_ms = limit_ms.clamp(1, i32::MAX as u64);
        let people = people == People::Shown;
        // Reading only from here on: what a transaction has begun to read, nothing in it can make
        // one that writes.
        let begin = format!(
            "begin isolation level repeatable read; \
             select begin_extract('{tenant}', {people}); \
             set transaction read only; \
             set local search_path = analytics, pg_catalog; \
             set local lock_timeout = {LOCK_TIMEOUT_MS}; \
             set local client_connection_check_interval = {GONE_AFTER_MS}; \
             set local statement_timeout = {limit_ms}"
        );
        sqlx::raw_sql(AssertSqlSafe(begin))
            .execute(&mut connection)
            .await?;
        let ask = "select position from projection_status";
        let found: Option<i64> = sqlx::query_scalar(ask)
            .fetch_optional(&mut connection)
            .await?;
        Ok(Extract {
            connection,
            position: Position(found.unwrap_or_default() as u64),
        })
    }
}

impl Extract {
    /// The position that all of it is as of.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Asks what the columns of `sql` are, without running it: one query, at whose end a semicolon
    /// may stand.
    pub async fn ask(&mut self, sql: &str) -> Result<Question, ExtractError> {
        let sql = sql.trim_end_matches([';', ' ', '\t', '\r', '\n']);
        // Within brackets it can only be a query, and on lines of its own, so that a comment at its
        // end ends there. Whatever closes the bracket itself makes another query of it, or none.
        let sql = format!("select * from (\n{sql}\n) as almanac_row");
        let prepared = (&mut self.connection).prepare(AssertSqlSafe(sql.clone()).into_sql_str());
        let prepared = prepared.await?;
        let column = |column: &sqlx::postgres::PgColumn| ExtractColumn {
            kind: column.type_info().name().to_owned(),
            name: column.name().to_owned(),
        };
        let columns: Vec<_> = prepared.columns().iter().map(column).collect();
        let mut names = BTreeSet::new();
        if let Some(twice) = columns.iter().find(|column| !names.insert(&column.name)) {
            let told = format!("two columns are called {:?}", twice.name);
            return Err(ExtractError::Refused(told));
        }
        Ok(Question { columns, sql })
    }

    /// The rows, each an object of JSON with the columns in their order; an error after `rows_max`.
    pub fn rows(
        &mut self,
        question: &Question,
        rows_max: u64,
    ) -> impl Stream<Item = Result<String, ExtractError>> + Send + '_ {
        // As many as Postgres counts, if there is no limit.
        let limit = rows_max.saturating_add(1).min(i64::MAX as u64);
        let cut = ROW_MAX + 1;
        let ask = format!(
            "select left(row_to_json(almanac_row)::text, {cut}) \
             from ({}\nlimit {limit}) as almanac_row",
            question.sql
        );
        let found = sqlx::query_scalar::<_, String>(AssertSqlSafe(ask));
        let found = found
            .fetch(&mut self.connection)
            .map_err(ExtractError::from);
        found.enumerate().map(move |(at, row)| {
            let row = row?;
            if at as u64 >= rows_max {
                return Err(ExtractError::TooManyRows(rows_max));
            }
            if row.len() > ROW_MAX {
                return Err(ExtractError::RowTooLarge(at as u64 + 1));
            }
            Ok(row)
        })
    }

    /// Ends it; one that is dropped ends as well.
    pub async fn end(self) {
        // Postgres rolls back what a session leaves behind.
        let _closed = self.connection.close().await;
    }
}

impl Question {
    /// The columns, in their order.
    pub fn columns(&self) -> &[ExtractColumn] {
        &self.columns
    }
}
