//! Sets aside what cannot be applied.
//!
//! Invariant: once a commit of an aggregate is parked, all later ones are parked behind it, so no
//! state is ever folded around a hole; a parked commit is kept whole.

use std::collections::HashMap;

use event_log::{Entry, Unreadable};
use schemas::{
    Commit, Meta, Position, StreamId,
    domain::{AggregateKind, TenantId},
};
use serde_json::{Value, json};
use sqlx::{
    PgConnection, Row as _,
    types::{
        Json,
        chrono::{DateTime, Utc},
    },
};
use uuid::Uuid;

/// Which aggregates are stuck, and what the batch adds.
#[derive(Debug, Default)]
pub(super) struct Park {
    fresh: Vec<Parked>,
    /// The first parked commit of each aggregate that has one.
    stuck: HashMap<StreamId, Position>,
}

/// An entry that was set aside.
#[derive(Debug)]
pub(super) struct Parked {
    at: Option<DateTime<Utc>>,
    meta: Option<Json<Value>>,
    payload: Vec<u8>,
    position: i64,
    reason: String,
    stream: Option<StreamId>,
    subject: Option<String>,
}

impl Park {
    /// Learns which aggregates are stuck.
    pub(super) async fn open(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query(include_str!("sql/stuck.sql"))
            .fetch_all(connection)
            .await?;
        let mut park = Self::default();
        for row in &rows {
            if let Ok(kind) = row.try_get::<&str, _>("kind")?.parse::<AggregateKind>() {
                let tenant = TenantId::new(row.try_get::<Uuid, _>("tenant_id")?);
                let position = Position(row.try_get::<i64, _>("position")? as u64);
                park.stuck.insert(
                    StreamId {
                        tenant,
                        kind,
                        id: row.try_get("id")?,
                    },
                    position,
                );
            }
        }
        Ok(park)
    }

    /// The commit that `stream` is stuck at.
    pub(super) fn stuck_at(&self, stream: StreamId) -> Option<Position> {
        self.stuck.get(&stream).copied()
    }

    /// Sets an entry aside.
    pub(super) fn add(&mut self, entry: Entry, reason: &str) {
        let parked = match entry {
            Entry::Commit(commit) => self.add_commit(commit),
            Entry::Unreadable(unreadable) => Parked::from(unreadable),
        };
        tracing::warn!(position = parked.position, reason, "a commit is parked");
        self.fresh.push(Parked {
            reason: storable(reason),
            ..parked
        });
    }

    /// What the batch has set aside, to be written.
    pub(super) fn fresh(&self) -> &[Parked] {
        &self.fresh
    }

    /// Ends a batch that was committed.
    pub(super) fn settle(&mut self) -> Vec<Parked> {
        std::mem::take(&mut self.fresh)
    }

    /// Forgets what the batch added, since it was not committed.
    pub(super) fn clear(&mut self) {
        for parked in self.fresh.drain(..) {
            if let Some(stream) = parked.stream
                && self.stuck.get(&stream) == Some(&Position(parked.position as u64))
            {
                self.stuck.remove(&stream);
            }
        }
    }

    fn add_commit(&mut self, commit: Commit) -> Parked {
        self.stuck.entry(commit.stream).or_insert(commit.position);
        Parked {
            at: Some(commit.meta.time.to_chrono()),
            meta: Some(Json(meta(&commit.meta))),
            payload: commit.payload,
            position: commit.position.0 as i64,
            reason: String::new(),
            stream: Some(commit.stream),
            subject: None,
        }
    }
}

impl Parked {
    pub(super) async fn write(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query(include_str!("sql/park.sql"))
            .bind(self.position)
            .bind(self.stream.map(|stream| stream.tenant.uuid()))
            .bind(self.stream.map(|stream| stream.kind.name()))
            .bind(self.stream.map(|stream| stream.id))
            .bind(&self.subject)
            .bind(&self.reason)
            .bind(&self.payload)
            .bind(&self.meta)
            .bind(self.at)
            .execute(connection)
            .await?;
        Ok(())
    }
}

impl From<Unreadable> for Parked {
    fn from(unreadable: Unreadable) -> Self {
        Self {
            at: None,
            meta: None,
            payload: unreadable.payload,
            position: unreadable.position.0 as i64,
            reason: String::new(),
            stream: None,
            subject: Some(storable(&unreadable.subject)),
        }
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
fn storable(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}
