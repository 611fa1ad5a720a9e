//! API keys as the API takes and shows them.
//!
//! Invariant: the key itself is shown in the answer to its creation and nowhere else.

use std::collections::BTreeSet;

use domain::{ApiKeyId, Timestamp, UserId, api_key::Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An API key to make.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiKey {
    /// What it is for, in your words.
    #[schema(min_length = 1, max_length = 200, examples("nightly report"))]
    pub name: String,
    /// What it may be used for. Your role must allow it; if it no longer does, nor does the key.
    #[schema(min_items = 1, max_items = 50, examples(json!(["jobs:read", "tasks:write"])))]
    pub scopes: Vec<Scope>,
    /// From when on it is refused: at most 366 days from now, 90 days unless you say otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// An API key that was just made.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct CreatedApiKey {
    /// What to send as `Authorization: Bearer`. It is not shown again, except to a retry of the
    /// same request with the same `Idempotency-Key`.
    pub key: String,
    /// Everything else of it.
    #[serde(flatten)]
    pub view: ApiKeyView,
}

/// An API key.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct ApiKeyView {
    /// Its identity.
    pub id: ApiKeyId,
    /// What its owner calls it; null when they were erased.
    pub name: Option<String>,
    /// In whose name it asks.
    pub owner_id: UserId,
    /// What it begins with.
    pub prefix: String,
    /// What it may be used for, as far as its owner's role allows.
    pub scopes: BTreeSet<Scope>,
    /// When it was created.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute; null if it was not.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked; null if it was not.
    pub revoked_at: Option<Timestamp>,
    /// Counts the changes.
    pub version: u64,
}
