//! Resource types as the API takes and shows them.
//!
//! Invariant: a type's name is its identity; it never changes.

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A resource type to define or revise.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutResourceType {
    /// Its name, such as `server`.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// The JSON Schema (2020-12) that the attributes of its resources must fit.
    #[schema(value_type = Object)]
    pub schema: serde_json::Value,
}

/// A resource type.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct ResourceTypeView {
    /// Its name and identity.
    pub name: String,
    /// The JSON Schema that the attributes of its resources must fit.
    #[schema(value_type = Object)]
    pub schema: serde_json::Value,
    /// When it was defined.
    pub created_at: Timestamp,
    /// When its schema last changed.
    pub updated_at: Timestamp,
    /// Counts the changes; the `ETag`.
    pub version: u64,
}
