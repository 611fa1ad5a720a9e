//! Resources as the API takes and shows them.
//!
//! Invariant: absent and null differ in a patch: absent keeps, null empties (RFC 7396).

use std::collections::BTreeMap;

use domain::{Attributes, Labels, Origin, ResourceId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A resource to create, or to put in place of the one there is.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateResource {
    /// The name of its type; if that type is defined, the attributes must fit its schema.
    #[serde(rename = "type")]
    #[schema(min_length = 1, max_length = 200, examples("server"))]
    pub type_name: String,
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, examples("web-1"))]
    pub name: String,
    /// What it is like.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub attributes: Attributes,
    /// Words to select it by.
    #[serde(default)]
    pub labels: Labels,
    /// Where it was imported from. A put that leaves it out keeps it; one from another source is
    /// refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Changes to a resource, as a merge patch: null removes an entry, what is absent stays.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchResource {
    /// The new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Attributes to set or, with null, to remove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub attributes: Option<serde_json::Map<String, Value>>,
    /// Labels to set or, with null, to remove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, Option<String>>>,
}

/// A resource.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct ResourceView {
    /// Its identity.
    pub id: ResourceId,
    /// The name of its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What people call it.
    pub name: String,
    /// What it is like.
    #[schema(value_type = Object)]
    pub attributes: Attributes,
    /// Words to select it by.
    pub labels: Labels,
    /// Where it was imported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
    /// Counts the changes; the `ETag`.
    pub version: u64,
}
