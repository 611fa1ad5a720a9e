//! What an administrator reads of the audit.
//!
//! Invariant: a route is told by its template and a request by no more than that; no body, no query
//! and no header but the client's own name is ever part of it.

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What came of a request.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditResult {
    /// It was done.
    Allowed,
    /// So many records were lost for lack of room; `code` says of which sort.
    Dropped,
    /// It broke, or its client left before the answer; what was stored, the log tells.
    Failed,
    /// It was not done.
    Refused,
}

/// What was shown for who asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditCredential {
    /// An access token.
    AccessToken,
    /// An API key.
    ApiKey,
    /// The word of another issuer (`OpenID` Connect).
    Issuer,
    /// Nothing that was valid.
    None,
    /// An address and a password.
    Password,
    /// A refresh token.
    RefreshToken,
}

/// Who did or tried what, and what came of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct AuditEntry {
    /// The request's id, as its answer bore it; of several that were counted, the last's.
    pub id: Uuid,
    /// When it began; of several, the first.
    pub at: Timestamp,
    /// When the last of several began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How many like it: refusals of one kind from one source are counted for 10 s.
    pub count: u64,
    /// Who asked: `user:<id>`, or `anonymous`; `several` where too many differ to tell them apart.
    pub actor: String,
    /// On whose behalf, if not their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// What they showed for it.
    pub credential: AuditCredential,
    /// The sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Uuid>,
    /// The method.
    pub method: String,
    /// The route, as the documentation has it.
    pub route: String,
    /// What sort of object it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_kind: Option<String>,
    /// Which one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<String>,
    /// What came of it.
    pub result: AuditResult,
    /// The HTTP status; 499 if the client left before the answer.
    pub status: u16,
    /// The code of the problem that it was answered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The command, as the events bear it that it brought about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_id: Option<Uuid>,
    /// Where in the log it was written, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Whether an earlier try of the same command had been done already.
    #[serde(default)]
    pub replayed: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The trace that it is part of (W3C).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// A record of the audit.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct AuditView {
    /// Who, what and with which result.
    #[serde(flatten)]
    pub entry: AuditEntry,
    /// From where; null once the key is gone that it was sealed with.
    pub address: Option<String>,
    /// What the client called itself; null as the address is.
    pub user_agent: Option<String>,
}

/// The last line of an export, without which it is not whole.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct AuditManifest {
    /// How many records came before.
    pub count: u64,
    /// The first of them.
    pub first: Option<Uuid>,
    /// The last of them.
    pub last: Option<Uuid>,
    /// Nothing after this instant was looked for.
    pub to: Timestamp,
}

impl AuditResult {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Allowed, Self::Dropped, Self::Failed, Self::Refused];

    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}
