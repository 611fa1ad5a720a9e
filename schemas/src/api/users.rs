//! Users as the API shows them.
//!
//! Invariant: personal text is shown decrypted, or not at all once its person is erased.

use domain::{TenantId, Timestamp, UserId, user::Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A user.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is true of a user by itself"
)]
pub struct UserView {
    /// Its identity.
    pub id: UserId,
    /// Whom it belongs to.
    pub tenant_id: TenantId,
    /// The address; null when erased.
    pub email: Option<String>,
    /// What people call them; null when erased.
    pub name: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Whether signing in is refused.
    pub disabled: bool,
    /// Whether they administer the platform, while they are an administrator of the main tenant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub platform: bool,
    /// Whether they were invited and have not let themselves in yet.
    #[serde(default)]
    pub invited: bool,
    /// Whether they sign in with a second factor.
    #[serde(default)]
    pub mfa_enabled: bool,
    /// The providers whose word lets them sign in, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
    /// When they registered.
    pub created_at: Timestamp,
    /// When anything of this last changed.
    pub updated_at: Timestamp,
    /// Counts the changes; the `ETag`.
    pub version: u64,
}

/// Somebody who was invited.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct InvitationView {
    /// The user that they will be.
    pub user: UserView,
    /// What lets them in, once; it is shown only now, and is theirs alone.
    pub token: String,
    /// Until when they can accept.
    pub expires_at: Timestamp,
}
