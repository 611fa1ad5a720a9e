//! The mirror of the log and what is parked, row by row.
//!
//! Invariant: every column that comes from the log counts, so that neither can say what the log
//! does not.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher as _},
};

use futures::TryStreamExt as _;
use schemas::{Commit, Position, StreamId, catalogue::EventRecord, domain::TenantId};
use serde_json::value::RawValue;
use sqlx::{
    PgConnection, Row as _,
    postgres::PgRow,
    types::{
        Json,
        chrono::{DateTime, Utc},
    },
};
use uuid::Uuid;

use super::{VerifyError, canonical::digest, findings::Findings};

const TABLE: &str = "event_log";
/// Whose what is of no aggregate is.
const NOBODY: (TenantId, Uuid) = (TenantId::new(Uuid::nil()), Uuid::nil());

/// What the mirror's rows must be: a digest by position and place in the commit.
#[derive(Debug, Default)]
pub(super) struct Mirror(HashMap<(i64, i32), u64>);

/// What is parked, as its rows say.
#[derive(Debug, Default)]
pub(super) struct Parked(BTreeMap<Position, ParkedRow>);

#[derive(Debug)]
struct ParkedRow {
    found_in_log: bool,
    payload: Vec<u8>,
    stream: Option<(Uuid, String, Uuid)>,
}

impl Mirror {
    /// Takes in the events of a commit that was applied.
    pub(super) fn expect(&mut self, commit: &Commit, records: &[EventRecord]) {
        let (stream, meta) = (commit.stream, &commit.meta);
        for (index, record) in records.iter().enumerate() {
            let row = (
                (stream.tenant.uuid(), stream.kind.name(), stream.id),
                (meta.version.0 as i64, &*record.name, i32::from(record.v)),
                (meta.time.to_chrono(), meta.actor.to_string()),
                (meta.command.uuid(), meta.correlation, meta.causation),
                (meta.traceparent.as_deref(), meta.hash.0.as_slice()),
                value(&record.data),
            );
            let key = (commit.position.0 as i64, index as i32);
            self.0.insert(key, hashed(&row));
        }
    }

    /// How many rows there must be.
    pub(super) fn rows(&self) -> u64 {
        self.0.len() as u64
    }

    /// Holds every row against what it must be.
    pub(super) async fn compare(
        &mut self,
        snapshot: &mut PgConnection,
        findings: &mut Findings<'_>,
    ) -> Result<(), VerifyError> {
        let ask = "select * from event_log order by position, index";
        let mut rows = sqlx::query(ask).fetch(snapshot);
        while let Some(row) = rows.try_next().await? {
            findings.compared();
            let key: (i64, i32) = (row.try_get("position")?, row.try_get("index")?);
            let whose = (TenantId::new(row.try_get("tenant_id")?), row.try_get("id")?);
            let what = match self.0.remove(&key) {
                Some(expected) if expected == stored(&row)? => continue,
                Some(_) => "is not the event of the log",
                None => "extra: the log has no such event",
            };
            findings.add(TABLE, whose, format!("{}.{}: {what}", key.0, key.1));
        }
        for (position, index) in self.0.keys() {
            let told = format!("{position}.{index}: missing");
            findings.add(TABLE, NOBODY, told);
        }
        Ok(())
    }
}

impl Parked {
    /// What the snapshot says is parked.
    pub(super) async fn load(snapshot: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let ask = "select position, tenant_id, kind, id, payload from parked";
        let rows = sqlx::query(ask).fetch_all(snapshot).await?;
        let mut parked = BTreeMap::new();
        for row in &rows {
            let position = Position(row.try_get::<i64, _>("position")? as u64);
            let stream = (
                row.try_get::<Option<Uuid>, _>("tenant_id")?,
                row.try_get::<Option<String>, _>("kind")?,
                row.try_get::<Option<Uuid>, _>("id")?,
            );
            let row = ParkedRow {
                found_in_log: false,
                payload: row.try_get("payload")?,
                stream: match stream {
                    (Some(tenant), Some(kind), Some(id)) => Some((tenant, kind, id)),
                    _ => None,
                },
            };
            parked.insert(position, row);
        }
        Ok(Self(parked))
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Whether the entry of the log is parked; then its row is held against it.
    pub(super) fn has(
        &mut self,
        position: Position,
        stream: Option<StreamId>,
        payload: &[u8],
        findings: &mut Findings<'_>,
    ) -> bool {
        let Some(row) = self.0.get_mut(&position) else {
            return false;
        };
        row.found_in_log = true;
        let stream = stream.map(|s| (s.tenant.uuid(), s.kind.name().to_owned(), s.id));
        if row.stream != stream || row.payload != payload {
            let told = format!("position {position}: is not what the log has there");
            findings.add("parked", NOBODY, told);
        }
        true
    }

    /// Names the rows that are of no entry up to the checkpoint.
    pub(super) fn end(&self, findings: &mut Findings<'_>) {
        for (position, row) in &self.0 {
            if !row.found_in_log {
                let told = format!("position {position}: extra, the log is not read so far");
                findings.add("parked", NOBODY, told);
            }
        }
    }
}

fn stored(row: &PgRow) -> Result<u64, sqlx::Error> {
    let Json(data) = row.try_get::<Json<Box<RawValue>>, _>("data")?;
    let row = (
        (
            row.try_get::<Uuid, _>("tenant_id")?,
            row.try_get::<&str, _>("kind")?,
            row.try_get::<Uuid, _>("id")?,
        ),
        (
            row.try_get::<i64, _>("version")?,
            row.try_get::<&str, _>("type")?,
            row.try_get::<i32, _>("schema_version")?,
        ),
        (
            row.try_get::<DateTime<Utc>, _>("occurred_at")?,
            row.try_get::<String, _>("actor")?,
        ),
        (
            row.try_get::<Uuid, _>("command_id")?,
            row.try_get::<Uuid, _>("correlation_id")?,
            row.try_get::<Option<Uuid>, _>("causation_id")?,
        ),
        (
            row.try_get::<Option<&str>, _>("traceparent")?,
            row.try_get::<&[u8], _>("hash")?,
        ),
        value(&data),
    );
    Ok(hashed(&row))
}

/// None for what only Postgres can read, such as a number beyond every float.
fn value(json: &RawValue) -> Option<u64> {
    let value = serde_json::from_str(json.get()).ok()?;
    Some(digest(&value))
}

fn hashed(row: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    row.hash(&mut hasher);
    hasher.finish()
}
