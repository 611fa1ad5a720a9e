//! An API key: a program's way to ask in the name of its owner, for some purposes and some time.
//!
//! Invariant: a key keeps owner, scopes and expiry from its first moment to its last, which is set
//! at most 366 days after the first; a revoked key stays revoked. Its secret is no part of it.

mod scope;
#[cfg(test)]
mod tests;

pub use scope::{Access, InvalidScope, Scope};

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Aggregate, AggregateKind, Context, Decision, Sealed, Timestamp, UserId};

const DAY_MS: i64 = 24 * 3_600_000;
/// How long a key lasts unless its owner says otherwise, in milliseconds: 90 days.
pub const LIFE_MS: i64 = 90 * DAY_MS;
/// How long a key lasts at most, in milliseconds: 366 days.
pub const LIFE_MAX_MS: i64 = 366 * DAY_MS;
/// How many scopes a key has at most.
pub const SCOPES_MAX: usize = 50;

/// What can have happened to an API key.
#[derive(Clone, Debug, PartialEq)]
pub enum ApiKeyEvent {
    /// `api_key.created`
    Created(ApiKeyCreated),
    /// `api_key.revoked`
    Revoked(ApiKeyRevoked),
}

/// A key came to be.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct ApiKeyCreated {
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// What people call it, sealed with its owner's key.
    pub name: Sealed,
    /// In whose name it asks.
    pub owner: UserId,
    /// What it begins with, which tells which key a text is and nothing of its secret.
    pub prefix: String,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
}

/// It is refused from now on: the end.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct ApiKeyRevoked {}

/// An API key as its events left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiKey {
    /// When it was created.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// What people call it, sealed with its owner's key.
    pub name: Sealed,
    /// In whose name it asks.
    pub owner: UserId,
    /// What it begins with.
    pub prefix: String,
    /// When it was revoked, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
}

/// What can be asked of an API key.
#[derive(Clone, Debug)]
pub enum ApiKeyCommand {
    /// Come to be.
    Create(ApiKeyCreated),
    /// Be refused from now on.
    Revoke,
}

/// Why an API key may say no.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ApiKeyRejection {
    /// There is one with this id.
    #[error("the API key exists already")]
    AlreadyExists,
    /// It would last too long, or not at all.
    #[error("an API key expires in the future, at most 366 days from now")]
    Expiry,
    /// There is none with this id.
    #[error("there is no such API key")]
    NotFound,
    /// It would be good for nothing, or nobody could tell for what.
    #[error("an API key has 1 to {SCOPES_MAX} scopes")]
    Scopes,
    /// The tenant's settings allow less.
    #[error("API keys last at most {days} days here")]
    TooLong {
        /// How long they allow.
        days: i64,
    },
}

impl Aggregate for ApiKey {
    const KIND: AggregateKind = AggregateKind::ApiKey;
    type Event = ApiKeyEvent;
    type Command = ApiKeyCommand;
    type Rejection = ApiKeyRejection;

    fn evolve(state: Option<Self>, event: &ApiKeyEvent, at: Timestamp) -> Option<Self> {
        match (state, event) {
            (None, ApiKeyEvent::Created(created)) => Some(Self {
                created_at: at,
                expires_at: created.expires_at,
                name: created.name.clone(),
                owner: created.owner,
                prefix: created.prefix.clone(),
                revoked_at: None,
                scopes: created.scopes.clone(),
            }),
            (Some(key), ApiKeyEvent::Revoked(ApiKeyRevoked {})) => Some(Self {
                revoked_at: key.revoked_at.or(Some(at)),
                ..key
            }),
            (state, _) => state,
        }
    }

    fn decide(state: Option<&Self>, command: &ApiKeyCommand, context: &Context) -> Decision<Self> {
        match (state, command) {
            (None, ApiKeyCommand::Create(wanted)) => {
                if !(1..=SCOPES_MAX).contains(&wanted.scopes.len()) {
                    return Err(ApiKeyRejection::Scopes);
                }
                let life_ms = wanted.expires_at.since_ms(context.now);
                if !(1..=LIFE_MAX_MS).contains(&life_ms) {
                    return Err(ApiKeyRejection::Expiry);
                }
                Ok(vec![ApiKeyEvent::Created(wanted.clone())])
            }
            (None, ApiKeyCommand::Revoke) => Err(ApiKeyRejection::NotFound),
            (Some(key), ApiKeyCommand::Create(wanted)) if key.is(wanted) => Ok(vec![]),
            (Some(_), ApiKeyCommand::Create(_)) => Err(ApiKeyRejection::AlreadyExists),
            (Some(key), ApiKeyCommand::Revoke) => Ok(match key.revoked_at {
                None => vec![ApiKeyEvent::Revoked(ApiKeyRevoked {})],
                Some(_) => vec![],
            }),
        }
    }
}

impl ApiKey {
    /// Whether it is the key that `wanted` asks for.
    fn is(&self, wanted: &ApiKeyCreated) -> bool {
        let ApiKeyCreated {
            expires_at,
            name,
            owner,
            prefix,
            scopes,
        } = wanted;
        (self.expires_at, self.owner) == (*expires_at, *owner)
            && (&self.name, &self.prefix, &self.scopes) == (name, prefix, scopes)
    }
}
