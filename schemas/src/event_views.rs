//! Events as they leave the system, from what the log or its mirror knows of them.
//!
//! Invariant: whoever shows an event shows it by this, so one event reads alike in an answer, on a
//! live stream and in an export.

use domain::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Commit, Position, Version,
    api::EventView,
    catalogue::{DecodeError, decode_records},
};

/// The version of CloudEvents.
const SPECVERSION: &str = "1.0";
/// What data are written in.
const JSON: &str = "application/json";

/// One event, and what is known of its commit.
#[derive(Clone, Debug)]
pub struct Occurrence<'a> {
    /// Who asked.
    pub actor: String,
    /// What led to the command.
    pub causation: Option<Uuid>,
    /// The command that caused it.
    pub command: Uuid,
    /// What belongs together across aggregates.
    pub correlation: Uuid,
    /// Its data, as written.
    pub data: Value,
    /// Which aggregate.
    pub id: Uuid,
    /// Its place within the commit, from 0.
    pub index: u32,
    /// The aggregate's kind.
    pub kind: &'a str,
    /// What happened, such as `task.created`.
    pub name: &'a str,
    /// The commit's place in the log.
    pub position: Position,
    /// The version of its data.
    pub schema_version: u32,
    /// The aggregate's owner.
    pub tenant: Uuid,
    /// When the command was asked.
    pub time: Timestamp,
    /// W3C trace context of the request.
    pub traceparent: Option<String>,
    /// The aggregate's version after the commit.
    pub version: Version,
}

impl From<Occurrence<'_>> for EventView {
    fn from(event: Occurrence<'_>) -> Self {
        Self {
            specversion: SPECVERSION.to_owned(),
            id: format!("{}.{}", event.position, event.index),
            source: format!("/tenants/{}", event.tenant),
            subject: format!("{}/{}", event.kind, event.id),
            name: format!("{}.v{}", event.name, event.schema_version),
            time: event.time,
            datacontenttype: JSON.to_owned(),
            data: event.data,
            sequence: event.position.to_string(),
            streamrevision: event.version.0,
            actorid: event.actor,
            commandid: event.command,
            correlationid: event.correlation,
            causationid: event.causation,
            traceparent: event.traceparent,
        }
    }
}

/// The events of a commit, as they were written.
pub fn event_views(commit: &Commit) -> Result<Vec<EventView>, DecodeError> {
    let records = decode_records(&commit.payload)?;
    let views = records.iter().zip(0..).map(|(record, index)| {
        let data = serde_json::from_str(record.data.get())
            .map_err(|reason| DecodeError::Payload(reason.to_string()))?;
        let occurrence = Occurrence {
            data,
            index,
            schema_version: record.v.into(),
            ..occurrence(commit, &record.name)
        };
        Ok(occurrence.into())
    });
    views.collect()
}

/// That something called `name` happened in a commit, without data.
pub fn occurrence<'a>(commit: &Commit, name: &'a str) -> Occurrence<'a> {
    let Commit { meta, stream, .. } = commit;
    Occurrence {
        actor: meta.actor.to_string(),
        causation: meta.causation,
        command: meta.command.uuid(),
        correlation: meta.correlation,
        data: Value::Null,
        id: stream.id,
        index: 0,
        kind: stream.kind.name(),
        name,
        position: commit.position,
        schema_version: 0,
        tenant: stream.tenant.uuid(),
        time: meta.time,
        traceparent: meta.traceparent.clone(),
        version: meta.version,
    }
}
