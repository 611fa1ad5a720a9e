//! The figures of the overview.
//!
//! Invariant: all figures of one answer reflect one position.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Counts of everything a tenant has.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct Stats {
    /// The position that the figures reflect.
    pub position: u64,
    /// Jobs by status.
    pub jobs: BTreeMap<String, u64>,
    /// Resources by type, the most frequent first.
    pub resources: Vec<TypeCount>,
    /// Tasks by status.
    pub tasks: BTreeMap<String, u64>,
    /// How many users there are.
    pub users: u64,
}

/// How many resources of a type there are.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct TypeCount {
    /// The name of the type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// How many.
    pub count: u64,
}
