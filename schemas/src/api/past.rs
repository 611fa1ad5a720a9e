//! What made an object what it is.
//!
//! Invariant: both are told of the fields that the API shows, by the events that set them; nothing
//! is said of what it does not show.

use domain::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// What changed of an object between two moments.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct Diff {
    /// The object after this moment is what it is compared with.
    pub from: DiffEnd,
    /// The object after this moment is what is compared.
    pub to: DiffEnd,
    /// The fields that differ, in the order of their pointers. What changed and changed back is
    /// not among them.
    pub changes: Vec<FieldChange>,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct DiffEnd {
    /// The position of the log; 0 is before the first commit.
    pub position: u64,
    /// The object's version then; null if it was not there.
    pub version: Option<u64>,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct FieldChange {
    /// Where it is in the object (RFC 6901). A list is one field.
    #[schema(examples("/labels/env"))]
    pub pointer: String,
    /// What it was; absent if there was no such field.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(required = false)]
    pub before: Option<Value>,
    /// What it is; absent if there is no such field any more.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(required = false)]
    pub after: Option<Value>,
    /// The last event that changed it.
    pub by: Cause,
}

/// What set each field of an object.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct Explanation {
    /// The position that the object is shown as of.
    pub position: u64,
    /// The object's version.
    pub version: u64,
    /// Every field, in the order of the pointers.
    pub fields: Vec<ExplainedField>,
}

/// A field, and what set it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct ExplainedField {
    /// Where it is in the object (RFC 6901). A list is one field.
    #[schema(examples("/labels/env"))]
    pub pointer: String,
    /// What it is.
    pub value: Value,
    /// The event that last set it; null for what holds without any.
    pub by: Option<Cause>,
}

/// An event that set a field.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct Cause {
    /// The position of its commit.
    pub position: u64,
    /// Its place within the commit, from 0.
    pub index: u32,
    /// What happened and in which version, such as `task.created.v1`.
    #[serde(rename = "type")]
    pub name: String,
    /// Who asked, such as `user:0199…`.
    pub actor: String,
    /// The command that caused it.
    pub command: Uuid,
    /// When the command was asked.
    pub time: Timestamp,
    /// The trace of the request (W3C Trace Context), if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// A field that is there, also if it is null.
fn given<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(field).map(Some)
}
