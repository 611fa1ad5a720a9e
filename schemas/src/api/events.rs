//! Events as they leave the system: CloudEvents 1.0 in JSON.
//!
//! Invariant: `sequence` is the position of the event's commit, so an event can always be found
//! again, and `id` is unique within its source.

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// One event, as a `CloudEvents` 1.0 object (<https://cloudevents.io>).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct EventView {
    /// The version of the format: `1.0`.
    #[schema(examples("1.0"))]
    pub specversion: String,
    /// `<position>.<index within its commit>`.
    #[schema(examples("42.0"))]
    pub id: String,
    /// `/tenants/<id>`.
    pub source: String,
    /// `<kind>/<id>` of the aggregate, such as `task/0199…`.
    pub subject: String,
    /// What happened and in which version, such as `task.created.v1`.
    #[serde(rename = "type")]
    pub name: String,
    /// When the command was asked.
    pub time: Timestamp,
    /// `application/json`.
    pub datacontenttype: String,
    /// The event's data.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
    /// Position of the commit in the log.
    pub sequence: String,
    /// The aggregate's version after the commit.
    pub streamrevision: u64,
    /// Who asked, such as `user:0199…`.
    pub actorid: String,
    /// The command that caused it.
    pub commandid: Uuid,
    /// What belongs together across aggregates.
    pub correlationid: Uuid,
    /// What led to the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causationid: Option<Uuid>,
    /// W3C trace context of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// What a live stream says of one commit, once its rows can be read.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct LiveEvent {
    /// Position of the commit; the id to resume after.
    pub position: u64,
    /// The kind of aggregate, such as `task`.
    pub kind: String,
    /// Which one.
    pub id: Uuid,
    /// Its version after the commit.
    pub version: u64,
    /// The events of the commit.
    pub events: Vec<EventView>,
}
