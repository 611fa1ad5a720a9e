//! Tenants as the API shows them.
//!
//! Invariant: a view tells of the tenant itself and nothing of what belongs to it.

use domain::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A tenant.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct TenantView {
    /// Its identity.
    pub id: TenantId,
    /// What it is called when signing in.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// Whether its users may not sign in.
    pub suspended: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// Counts the changes; the `ETag`.
    pub version: u64,
}

/// What a platform administrator acts in a tenant with.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct TenantEntry {
    /// The tenant.
    pub tenant: TenantView,
    /// Sent as `Authorization: Bearer …`; a JWT with the claim `act`, valid for `expires_in`
    /// seconds and exchanged for nothing.
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(examples("Bearer"))]
    pub token_type: String,
    /// Seconds for which the access token is valid.
    pub expires_in: u64,
}
