//! What the audit's stream holds: who did or tried what, from where, with which result.
//!
//! Invariant: where a request came from is sealed here; without its key a record tells nobody's
//! address.

use domain::Sealed;
use serde::{Deserialize, Serialize};

use crate::api::AuditEntry;

/// A record as it is kept.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AuditRecord {
    /// What may be read by whoever reads the stream.
    #[serde(flatten)]
    pub entry: AuditEntry,
    /// From where; none if it came from nowhere or from several places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<SealedOrigin>,
}

/// Where a request came from, and how its client called itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SealedOrigin {
    /// The address, as a digest that changes from month to month and from tenant to tenant.
    pub digest: String,
    /// Whose key opens it.
    pub key: OriginKey,
    /// An [`Origin`] in JSON.
    pub sealed: Sealed,
}

/// Whose key opens where a request came from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OriginKey {
    /// That of the month, which is forgotten with the month's records.
    Month,
    /// That of the person who asked, which is forgotten with the person.
    Person,
}

/// Where a request came from. Personal: never kept but sealed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Origin {
    /// The address.
    pub address: String,
    /// What the client called itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}
