//! Live queries: lists that keep up to date, over server-sent events and over a socket.
//!
//! Invariant: rows are the views that the list shows; each has the id by which it leaves again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Problem;

/// Where the read models are, or from where on a client must load again.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct LivePosition {
    /// A place in the log.
    pub position: u64,
}

/// A row of a list.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct LiveRow {
    /// By which it is replaced, and by which it leaves.
    pub id: Uuid,
    /// The object as the list shows it.
    #[schema(value_type = Object)]
    pub object: serde_json::Value,
}

/// A part of the rows as of a position.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct LiveRows {
    /// As of where in the log.
    pub position: u64,
    /// In no order that means anything.
    pub rows: Vec<LiveRow>,
}

/// All rows as of a position were sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct LiveComplete {
    /// As of where in the log.
    pub position: u64,
    /// The first commit of what is listed that cannot be applied: some rows are as before it. Not
    /// there while all are as they should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_since: Option<u64>,
}

/// What has changed since the message before.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct LiveChanges {
    /// With this the client's rows are the list as of here.
    pub position: u64,
    /// Rows that have come or changed.
    pub rows: Vec<LiveRow>,
    /// Rows that have left.
    pub left: Vec<Uuid>,
    /// The first commit of what is listed that cannot be applied: some rows are as before it. Not
    /// there while all are as they should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_since: Option<u64>,
}

/// The client's rows hold no longer; all rows follow.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct LiveReset {
    /// Why.
    pub reason: ResetReason,
}

/// Why all rows are sent again.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// The rows were built anew or mended: what was told may never have been so.
    Rebuilt,
    /// The client was away for too long.
    TooOld,
    /// The client reads too slowly for all that changes.
    TooSlow,
    /// The id is of another log, another list or filter, or of nothing.
    Unknown,
}

/// The connection ends.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct LiveEnd {
    /// `token_expired`, `access_changed` or `shutdown`.
    pub reason: String,
}

/// What a client sends over a socket.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum LiveCommand {
    /// Is answered with `pong`.
    Ping {},
    /// Follows a list.
    Subscribe {
        /// What the client calls it; repeated in all that is told of it.
        #[schema(max_length = 64)]
        subscription: String,
        /// `jobs`, `resource-types`, `resources`, `tasks` or `users`.
        collection: String,
        /// The parameters that narrow the list, as it takes them itself.
        #[serde(default)]
        filter: BTreeMap<String, String>,
        /// The `resume` to go on after.
        #[serde(default)]
        resume: Option<String>,
    },
    /// Follows it no longer.
    Unsubscribe {
        /// What the client calls it.
        subscription: String,
    },
}

/// What a client is told over a socket.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LiveMessage {
    /// All rows were sent.
    Complete {
        /// Of which list.
        subscription: String,
        /// To go on after, at any gateway.
        resume: String,
        /// As of where.
        data: LiveComplete,
    },
    /// What has changed.
    Delta {
        /// Of which list.
        subscription: String,
        /// To go on after, at any gateway.
        resume: String,
        /// What.
        data: LiveChanges,
    },
    /// Something was refused; the connection goes on.
    Error {
        /// Of which list, if it is about one.
        subscription: Option<String>,
        /// What, as over HTTP.
        problem: Problem,
    },
    /// The answer to `ping`.
    Pong {},
    /// The client's rows hold no longer.
    Reset {
        /// Of which list.
        subscription: String,
        /// Why.
        data: LiveReset,
    },
    /// A part of the rows.
    Snapshot {
        /// Of which list.
        subscription: String,
        /// Which.
        data: LiveRows,
    },
    /// Nothing more is told of it.
    Unsubscribed {
        /// Of which list.
        subscription: String,
    },
}
