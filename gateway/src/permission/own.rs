//! Whose things somebody may see: their own, or everybody's.
//!
//! Invariant: it follows from the table: whoever may not use a route for what is another's is told
//! nothing of that by any other way.

use axum::http::Method;
use commands::{Credential, Principal};
use domain::{AggregateKind, UserId, api_key::Access, user::Role};
use uuid::Uuid;

use super::{is_of_self, least_role};

/// Whether `principal` may use a route of [`OF_OWNER`](super::OF_OWNER) for what is `owner`'s.
pub(crate) fn owns(principal: &Principal, owner: UserId) -> bool {
    principal.role >= Role::Admin || principal.user == owner
}

/// Whose things a list of [`OF_OWNER`](super::OF_OWNER) shows to `principal`, who asks for those of
/// `owner` or for all; none stands for everybody's. An error if they may not ask for that.
pub(crate) fn narrowed(
    principal: &Principal,
    owner: Option<UserId>,
) -> Result<Option<UserId>, &'static str> {
    match owner {
        None if principal.role < Role::Admin => Ok(Some(principal.user)),
        Some(owner) if !owns(principal, owner) => Err("only administrators see those of others"),
        asked => Ok(asked),
    }
}

/// Whether `principal` may hear of what happens to a thing: whoever may read its history, but for
/// owners, since what is heard does not say whose it is. An API key hears of those collections only
/// that it may read.
pub(crate) fn hears(principal: &Principal, kind: AggregateKind, id: Uuid) -> bool {
    if let Credential::ApiKey(scopes) = &principal.credential {
        let allows = |collection| scopes.iter().any(|s| s.allows(collection, Access::Read));
        if !collection(kind).is_some_and(allows) {
            return false;
        }
    }
    let route = history(kind);
    let least = route.map_or(Some(Role::Admin), |route| least_role(&Method::GET, route));
    let of_self = route.is_some_and(|route| is_of_self(&Method::GET, route));
    least.is_some_and(|least| principal.role >= least) || of_self && id == principal.user.uuid()
}

/// Where the history of things of a kind is read, or what came of them; none if nowhere, so that
/// it is for administrators.
const fn history(kind: AggregateKind) -> Option<&'static str> {
    match kind {
        AggregateKind::EmailClaim
        | AggregateKind::IdentityClaim
        | AggregateKind::LogCheckpoint
        | AggregateKind::ParkedCommit
        | AggregateKind::UniqueKey => None,
        AggregateKind::ApiKey => Some("/api/v1/api-keys/{id}/events"),
        AggregateKind::Job => Some("/api/v1/jobs/{id}/events"),
        AggregateKind::Operation => Some("/api/v1/system/operations/{id}"),
        AggregateKind::Resource => Some("/api/v1/resources/{id}/events"),
        AggregateKind::ResourceType => Some("/api/v1/resource-types/{name}/events"),
        AggregateKind::Settings => Some("/api/v1/settings/events"),
        AggregateKind::Task => Some("/api/v1/tasks/{id}/events"),
        AggregateKind::Tenant => Some("/api/v1/tenant/events"),
        AggregateKind::User => Some("/api/v1/users/{id}/events"),
    }
}

/// The collection in which things of a kind are read; none if no API key reads them.
const fn collection(kind: AggregateKind) -> Option<&'static str> {
    match kind {
        AggregateKind::ApiKey
        | AggregateKind::EmailClaim
        | AggregateKind::IdentityClaim
        | AggregateKind::LogCheckpoint
        | AggregateKind::ParkedCommit
        | AggregateKind::Tenant
        | AggregateKind::UniqueKey => None,
        AggregateKind::Job => Some("jobs"),
        AggregateKind::Resource => Some("resources"),
        AggregateKind::ResourceType => Some("resource-types"),
        AggregateKind::Settings => Some("settings"),
        AggregateKind::Operation => Some("system"),
        AggregateKind::Task => Some("tasks"),
        AggregateKind::User => Some("users"),
    }
}
