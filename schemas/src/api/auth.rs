//! Registering, signing in and out.
//!
//! Invariant: a password is only ever an input; its type neither prints nor encodes it anywhere
//! else.

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::UserView;

/// Become a user.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// The address to sign in with.
    #[schema(format = Email, max_length = 254, examples("ann@example.org"))]
    pub email: String,
    /// At least 8 characters; long ones are better than odd ones.
    #[schema(format = Password, min_length = 8, max_length = 1024)]
    pub password: String,
    /// What people call you.
    #[schema(min_length = 1, max_length = 200, examples("Ann"))]
    pub name: String,
    /// The slug of the tenant to join; the main one if absent. Others are joined by being added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 63, examples("main"))]
    pub tenant: Option<String>,
}

/// Sign in.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The address you registered with.
    #[schema(format = Email, max_length = 254, examples("ann@example.org"))]
    pub email: String,
    /// Your password.
    #[schema(format = Password, max_length = 1024)]
    pub password: String,
    /// The slug of your tenant; the main one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 63, examples("main"))]
    pub tenant: Option<String>,
}

/// Let yourself in.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    /// What the administrator who invited you was given.
    #[schema(max_length = 200)]
    pub token: String,
    /// The password to sign in with; at least 8 characters.
    #[schema(format = Password, min_length = 8, max_length = 1024)]
    pub password: String,
    /// What people call you, if not what the invitation says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, examples("Bob"))]
    pub name: Option<String>,
}

/// Exchange a refresh token for a new pair.
#[derive(Clone, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The latest refresh token of this sign-in; a browser leaves it out and sends its cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

/// End a sign-in.
#[derive(Clone, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Logout {
    /// A refresh token of the sign-in to end; a browser leaves it out and sends its cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

/// What a sign-in gives.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct Session {
    /// Who signed in.
    pub user: UserView,
    /// Sent as `Authorization: Bearer …`; a JWT, valid for `expires_in` seconds.
    pub access_token: String,
    /// Exchanged once for the next pair; opaque. A browser's page is not given it: it is in the
    /// cookie, which scripts cannot read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Always `Bearer`.
    #[schema(examples("Bearer"))]
    pub token_type: String,
    /// Seconds for which the access token is valid.
    pub expires_in: u64,
}

/// Who else may say who somebody is (OpenID Connect).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct ProviderView {
    /// What it is called here.
    #[schema(examples("example"))]
    pub name: String,
}

/// A sign-in by a provider that has begun.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct BegunView {
    /// Where the browser is to go, which has been given a cookie for when it comes back.
    pub location: String,
}

/// A sign-in that has not ended.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct SessionView {
    /// Which it is.
    pub id: Uuid,
    /// When it began.
    pub created_at: Timestamp,
    /// When its refresh token was last exchanged; access tokens are not noted.
    pub last_used_at: Timestamp,
    /// What its client calls itself, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
}
