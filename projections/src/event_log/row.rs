//! From a row of the mirror to an event as it leaves the system.
//!
//! Invariant: the live stream and its replay read the same rows, so they tell the same words.

use schemas::{
    Occurrence, Position, Version,
    api::{EventView, LiveEvent},
    domain::{TenantId, Timestamp},
};
use sqlx::{
    Row as _,
    postgres::PgRow,
    types::{
        Json,
        chrono::{DateTime, Utc},
    },
};
use uuid::Uuid;

use super::EventKey;
use crate::StoreError;

/// The event of a row, if the row holds one.
pub(super) fn event(row: &PgRow) -> Result<Option<(EventKey, EventView)>, StoreError> {
    let Some(position) = row.try_get::<Option<i64>, _>("position")? else {
        return Ok(None);
    };
    let version = Version(row.try_get::<i64, _>("version")? as u64);
    let index = row.try_get::<i32, _>("index")? as u32;
    let name: &str = row.try_get("type")?;
    let schema_version: i32 = row.try_get("schema_version")?;
    let tenant: Uuid = row.try_get("tenant_id")?;
    let kind: &str = row.try_get("kind")?;
    let id: Uuid = row.try_get("id")?;
    let occurred_at: DateTime<Utc> = row.try_get("occurred_at")?;
    let Json(data) = row.try_get("data")?;
    let event = Occurrence {
        actor: row.try_get("actor")?,
        causation: row.try_get("causation_id")?,
        command: row.try_get("command_id")?,
        correlation: row.try_get("correlation_id")?,
        data,
        id,
        index,
        kind,
        name,
        position: Position(position as u64),
        schema_version: schema_version as u32,
        tenant,
        time: Timestamp::from(occurred_at),
        traceparent: row.try_get("traceparent")?,
        version,
    };
    Ok(Some((EventKey { version, index }, event.into())))
}

/// The commits that the rows make up, in their order, each with its tenant.
pub(crate) fn live_events(rows: &[PgRow]) -> Result<Vec<(TenantId, LiveEvent)>, StoreError> {
    let mut commits: Vec<(TenantId, LiveEvent)> = Vec::new();
    for row in rows {
        let Some((key, view)) = event(row)? else {
            continue;
        };
        let position = row.try_get::<i64, _>("position")? as u64;
        match commits.last_mut() {
            Some((_, live)) if live.position == position => live.events.push(view),
            _ => commits.push((
                TenantId::new(row.try_get("tenant_id")?),
                LiveEvent {
                    position,
                    kind: row.try_get("kind")?,
                    id: row.try_get("id")?,
                    version: key.version.0,
                    events: vec![view],
                },
            )),
        }
    }
    Ok(commits)
}
