//! The rows of what is parked and of what was left out.
//!
//! Invariant: what is set aside can be stored, whatever it holds.

use event_log::Entry;
use schemas::{Meta, Position, StreamId, domain::Timestamp};
use serde_json::{Value, json};
use sqlx::{
    PgConnection, Row as _,
    postgres::PgRow,
    types::{
        Json,
        chrono::{DateTime, Utc},
    },
};

use super::{
    park::{Changes, Held},
    remedy::Skip,
};
/// A row.
#[derive(Debug)]
pub(super) struct Parked {
    at: Option<DateTime<Utc>>,
    hash: Option<Vec<u8>>,
    meta: Option<Json<Value>>,
    payload: Vec<u8>,
    position: i64,
    reason: String,
    stream: Option<StreamId>,
    subject: Option<String>,
    version: Option<i64>,
}

impl Parked {
    pub(super) fn of(held: &Held) -> Self {
        let position = held.entry.position().0 as i64;
        let reason = held.reason.clone();
        match &held.entry {
            Entry::Commit(commit) => Self {
                at: Some(commit.meta.time.to_chrono()),
                hash: Some(commit.meta.hash.0.to_vec()),
                meta: Some(Json(meta(&commit.meta))),
                payload: commit.payload.clone(),
                position,
                reason,
                stream: Some(commit.stream),
                subject: None,
                version: Some(commit.meta.version.0 as i64),
            },
            Entry::Unreadable(unreadable) => Self {
                at: None,
                hash: None,
                meta: None,
                payload: unreadable.payload.clone(),
                position,
                reason,
                stream: None,
                subject: Some(storable(&unreadable.subject)),
                version: None,
            },
        }
    }

    async fn park(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.bind(include_str!("sql/park.sql"))
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn skip(&self, skip: &Skip, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.bind(include_str!("sql/skip.sql"))
            .bind(self.version)
            .bind(&self.hash)
            .bind(skip.at.to_chrono())
            .bind(storable(&skip.by))
            .bind(storable(&skip.reason))
            .bind(skip.position.0 as i64)
            .execute(connection)
            .await?;
        Ok(())
    }

    fn bind(
        &self,
        statement: &'static str,
    ) -> sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments> {
        sqlx::query(statement)
            .bind(self.position)
            .bind(self.stream.map(|stream| stream.tenant.uuid()))
            .bind(self.stream.map(|stream| stream.kind.name()))
            .bind(self.stream.map(|stream| stream.id))
            .bind(&self.subject)
            .bind(&self.reason)
            .bind(&self.payload)
            .bind(&self.meta)
            .bind(self.at)
    }
}

impl Changes {
    /// Whether something that was parked before is no more: answers about old positions change.
    pub(super) fn mend(&self) -> bool {
        !self.gone.is_empty()
    }

    pub(super) async fn write(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if !self.gone.is_empty() {
            sqlx::query("delete from parked where position = any ($1)")
                .bind(&self.gone)
                .execute(&mut *connection)
                .await?;
        }
        if !self.reasons.0.is_empty() {
            sqlx::query(
                "update parked set reason = told.reason \
                 from unnest($1::bigint[], $2::text[]) as told (position, reason) \
                 where parked.position = told.position",
            )
            .bind(&self.reasons.0)
            .bind(&self.reasons.1)
            .execute(&mut *connection)
            .await?;
        }
        for parked in &self.parked {
            parked.park(&mut *connection).await?;
        }
        for (parked, skip) in &self.skipped {
            parked.skip(skip, &mut *connection).await?;
        }
        Ok(())
    }
}

impl Skip {
    /// What a row says of that a commit was left out.
    pub(crate) fn read(row: &PgRow) -> Result<Option<Self>, sqlx::Error> {
        let Some(at) = row.try_get::<Option<DateTime<Utc>>, _>("skipped_at")? else {
            return Ok(None);
        };
        Ok(Some(Self {
            at: Timestamp::from(at),
            by: row.try_get("skipped_by")?,
            position: Position(row.try_get::<i64, _>("skipped_position")? as u64),
            reason: row.try_get("skipped_reason")?,
        }))
    }
}

fn meta(meta: &Meta) -> Value {
    json!({
        "actor": storable(&meta.actor.to_string()),
        "causation": meta.causation,
        "command": meta.command,
        "correlation": meta.correlation,
        "fingerprint": meta.fingerprint.map(|hash| hash.to_string()),
        "hash": meta.hash.to_string(),
        "previous": meta.previous.to_string(),
        "time": meta.time,
        "traceparent": meta.traceparent.as_deref().map(storable),
        "version": meta.version,
    })
}

/// The text without what no database text can hold, since what is parked must be stored in any
/// case.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}
