//! Who may do what: one line for each route that wants a signed-in user.
//!
//! What an API key needs for a route follows from its line ([`by_key`]): a key does what its
//! owner's role allows and its scopes as well.
//!
//! Invariant: a route that asks who the caller is and is not listed here is allowed to nobody. No
//! key is a way to another way in: what makes or changes one is closed to keys.

mod own;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use axum::http::Method;
use domain::{
    api_key::{Access, Scope},
    user::Role,
};

pub(crate) use own::{hears, narrowed, owns};

/// Method, route, and the least role that may. A route that is not listed is open to everybody.
pub(crate) const TABLE: &[(&str, &str, Role)] = &[
    ("GET", "/api/v1/api-keys", Role::Admin),
    ("POST", "/api/v1/api-keys", Role::Viewer),
    ("DELETE", "/api/v1/api-keys/{id}", Role::Admin),
    ("GET", "/api/v1/api-keys/{id}", Role::Admin),
    ("GET", "/api/v1/api-keys/{id}/events", Role::Admin),
    ("GET", "/api/v1/audit", Role::Admin),
    ("GET", "/api/v1/audit/export", Role::Admin),
    ("GET", "/api/v1/auth/me", Role::Viewer),
    ("GET", "/api/v1/auth/mfa", Role::Viewer),
    ("POST", "/api/v1/auth/mfa/recovery-codes", Role::Viewer),
    ("DELETE", "/api/v1/auth/mfa/totp", Role::Viewer),
    ("POST", "/api/v1/auth/mfa/totp", Role::Viewer),
    ("POST", "/api/v1/auth/mfa/totp/confirm", Role::Viewer),
    ("DELETE", "/api/v1/auth/oidc/{name}/link", Role::Viewer),
    ("POST", "/api/v1/auth/oidc/{name}/link", Role::Viewer),
    ("DELETE", "/api/v1/auth/sessions", Role::Viewer),
    ("GET", "/api/v1/auth/sessions", Role::Viewer),
    ("DELETE", "/api/v1/auth/sessions/{id}", Role::Viewer),
    ("POST", "/api/v1/auth/step-up", Role::Viewer),
    ("GET", "/api/v1/jobs", Role::Viewer),
    ("POST", "/api/v1/jobs", Role::Operator),
    ("POST", "/api/v1/jobs/preview", Role::Viewer),
    ("DELETE", "/api/v1/jobs/{id}", Role::Operator),
    ("GET", "/api/v1/jobs/{id}", Role::Viewer),
    ("PATCH", "/api/v1/jobs/{id}", Role::Operator),
    ("PUT", "/api/v1/jobs/{id}", Role::Operator),
    ("GET", "/api/v1/jobs/{id}/events", Role::Viewer),
    ("GET", "/api/v1/jobs/{id}/health", Role::Viewer),
    ("POST", "/api/v1/jobs/{id}/pause", Role::Operator),
    ("POST", "/api/v1/jobs/{id}/resume", Role::Operator),
    ("GET", "/api/v1/jobs/{id}/runs", Role::Viewer),
    ("GET", "/api/v1/jobs/{id}/slots", Role::Viewer),
    ("POST", "/api/v1/jobs/{id}/trigger", Role::Operator),
    ("GET", "/api/v1/resource-types", Role::Viewer),
    ("POST", "/api/v1/resource-types", Role::Operator),
    ("PUT", "/api/v1/resource-types", Role::Operator),
    ("GET", "/api/v1/resource-types/{name}", Role::Viewer),
    ("GET", "/api/v1/resource-types/{name}/events", Role::Viewer),
    ("GET", "/api/v1/resources", Role::Viewer),
    ("POST", "/api/v1/resources", Role::Operator),
    ("DELETE", "/api/v1/resources/{id}", Role::Operator),
    ("GET", "/api/v1/resources/{id}", Role::Viewer),
    ("PATCH", "/api/v1/resources/{id}", Role::Operator),
    ("PUT", "/api/v1/resources/{id}", Role::Operator),
    ("GET", "/api/v1/resources/{id}/events", Role::Viewer),
    ("GET", "/api/v1/settings", Role::Viewer),
    ("PATCH", "/api/v1/settings", Role::Admin),
    ("GET", "/api/v1/settings/events", Role::Viewer),
    ("GET", "/api/v1/settings/schema", Role::Viewer),
    ("GET", "/api/v1/stats", Role::Viewer),
    ("GET", "/api/v1/stream", Role::Viewer),
    ("GET", "/api/v1/system/operations/{id}", Role::Viewer),
    ("GET", "/api/v1/tasks", Role::Viewer),
    ("POST", "/api/v1/tasks", Role::Operator),
    ("POST", "/api/v1/tasks/batch", Role::Operator),
    ("POST", "/api/v1/tasks/cancel", Role::Operator),
    ("POST", "/api/v1/tasks/replay", Role::Operator),
    ("GET", "/api/v1/tasks/{id}", Role::Viewer),
    ("PUT", "/api/v1/tasks/{id}/cancel", Role::Operator),
    ("GET", "/api/v1/tasks/{id}/events", Role::Viewer),
    ("GET", "/api/v1/tasks/{id}/explain", Role::Viewer),
    ("GET", "/api/v1/tasks/{id}/files/{name}", Role::Viewer),
    ("GET", "/api/v1/tasks/{id}/logs", Role::Viewer),
    ("GET", "/api/v1/tasks/{id}/progress", Role::Viewer),
    ("POST", "/api/v1/tasks/{id}/retry", Role::Operator),
    ("POST", "/api/v1/tasks/{id}/run-again", Role::Operator),
    ("GET", "/api/v1/tenant", Role::Viewer),
    ("GET", "/api/v1/tenant/events", Role::Admin),
    ("GET", "/api/v1/tenants", Role::Admin),
    ("POST", "/api/v1/tenants", Role::Admin),
    ("GET", "/api/v1/tenants/{id}", Role::Admin),
    ("PATCH", "/api/v1/tenants/{id}", Role::Admin),
    ("POST", "/api/v1/tenants/{id}/act", Role::Admin),
    ("GET", "/api/v1/tenants/{id}/events", Role::Admin),
    ("POST", "/api/v1/tenants/{id}/resume", Role::Admin),
    ("POST", "/api/v1/tenants/{id}/suspend", Role::Admin),
    ("GET", "/api/v1/users", Role::Admin),
    ("POST", "/api/v1/users", Role::Admin),
    ("POST", "/api/v1/users/invite", Role::Admin),
    ("GET", "/api/v1/users/{id}", Role::Admin),
    ("PATCH", "/api/v1/users/{id}", Role::Admin),
    ("POST", "/api/v1/users/{id}/disable", Role::Admin),
    ("PUT", "/api/v1/users/{id}/email", Role::Admin),
    ("POST", "/api/v1/users/{id}/enable", Role::Admin),
    ("POST", "/api/v1/users/{id}/erase", Role::Admin),
    ("GET", "/api/v1/users/{id}/events", Role::Admin),
    ("POST", "/api/v1/users/{id}/invite", Role::Admin),
    ("DELETE", "/api/v1/users/{id}/mfa", Role::Admin),
    ("PUT", "/api/v1/users/{id}/password", Role::Admin),
    ("PUT", "/api/v1/users/{id}/platform", Role::Admin),
    ("PUT", "/api/v1/users/{id}/role", Role::Admin),
    ("GET", "/api/v1/workers", Role::Operator),
    (
        "POST",
        "/api/v1/workers/attempts/{token}/complete",
        Role::Operator,
    ),
    (
        "POST",
        "/api/v1/workers/attempts/{token}/fail",
        Role::Operator,
    ),
    (
        "POST",
        "/api/v1/workers/attempts/{token}/heartbeat",
        Role::Operator,
    ),
    (
        "POST",
        "/api/v1/workers/attempts/{token}/logs",
        Role::Operator,
    ),
    ("POST", "/api/v1/workers/lease", Role::Operator),
    ("GET", "/api/v1/ws", Role::Viewer),
];

/// What everybody may of the user that they are themselves, whatever their role. To all who may
/// not, other users do not exist.
pub(crate) const OF_SELF: &[(&str, &str)] = &[
    ("GET", "/api/v1/users/{id}"),
    ("PATCH", "/api/v1/users/{id}"),
    ("PUT", "/api/v1/users/{id}/email"),
    ("GET", "/api/v1/users/{id}/events"),
    ("PUT", "/api/v1/users/{id}/password"),
];

/// What everybody may of what they own, having made it, whatever their role; a list shows them that
/// alone. To all who may not, what others own does not exist. Each of these routes asks [`owns`] or
/// [`narrowed`], since only it knows whose a thing is.
pub(crate) const OF_OWNER: &[(&str, &str)] = &[
    ("GET", "/api/v1/api-keys"),
    ("DELETE", "/api/v1/api-keys/{id}"),
    ("GET", "/api/v1/api-keys/{id}"),
    ("GET", "/api/v1/api-keys/{id}/events"),
];

/// What only those administrators may who administer the platform.
pub(crate) const OF_PLATFORM: &[(&str, &str)] = &[
    ("GET", "/api/v1/tenants"),
    ("POST", "/api/v1/tenants"),
    ("GET", "/api/v1/tenants/{id}"),
    ("PATCH", "/api/v1/tenants/{id}"),
    ("POST", "/api/v1/tenants/{id}/act"),
    ("GET", "/api/v1/tenants/{id}/events"),
    ("POST", "/api/v1/tenants/{id}/resume"),
    ("POST", "/api/v1/tenants/{id}/suspend"),
    ("PUT", "/api/v1/users/{id}/platform"),
];

/// What wants that the caller has shown who they are within [`STEP_UP_S`] (RFC 9470): what cannot
/// be undone, gives or takes a way in, or makes somebody who may do all of that. A route of it that
/// is in [`OF_SELF`] as well asks for the password itself of whoever changes their own way in.
pub(crate) const STEP_UP: &[(&str, &str)] = &[
    ("POST", "/api/v1/auth/mfa/recovery-codes"),
    ("DELETE", "/api/v1/auth/mfa/totp"),
    ("POST", "/api/v1/auth/mfa/totp"),
    ("PATCH", "/api/v1/settings"),
    ("POST", "/api/v1/tenants"),
    ("POST", "/api/v1/tenants/{id}/act"),
    ("POST", "/api/v1/tenants/{id}/suspend"),
    ("POST", "/api/v1/users"),
    ("POST", "/api/v1/users/invite"),
    ("POST", "/api/v1/users/{id}/disable"),
    ("PUT", "/api/v1/users/{id}/email"),
    ("POST", "/api/v1/users/{id}/erase"),
    ("POST", "/api/v1/users/{id}/invite"),
    ("DELETE", "/api/v1/users/{id}/mfa"),
    ("PUT", "/api/v1/users/{id}/password"),
    ("PUT", "/api/v1/users/{id}/platform"),
    ("PUT", "/api/v1/users/{id}/role"),
];

/// How long it counts that somebody has shown who they are, in seconds.
pub(crate) const STEP_UP_S: i64 = 300;

/// Where ways in are made and changed: parts of paths that are closed to API keys.
const OF_CREDENTIALS: [&str; 6] = ["api-keys", "auth", "email", "mfa", "oidc", "password"];
/// What an API key may do whatever its scopes: see whose it is.
const OF_EVERY_KEY: (&str, &str) = ("GET", "/api/v1/auth/me");

/// What lets an API key use a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ByKey<'a> {
    /// That it is one.
    Always,
    /// Nothing: one signs in for this.
    Never,
    /// A scope that gives this access to this collection.
    Scoped(&'a str, Access),
}

/// What lets an API key use the route of a line.
pub(crate) fn by_key<'a>(method: &str, route: &'a str) -> ByKey<'a> {
    if (method, route) == OF_EVERY_KEY {
        return ByKey::Always;
    }
    let path = route.strip_prefix("/api/v1/").unwrap_or_default();
    let mut parts = path.split('/');
    let in_person = STEP_UP.contains(&(method, route)) || OF_PLATFORM.contains(&(method, route));
    let closed = in_person || parts.clone().any(|part| OF_CREDENTIALS.contains(&part));
    match parts.next() {
        // Another way to the same.
        Some("ws") => ByKey::Scoped("stream", Access::Read),
        Some(collection) if !collection.is_empty() && !closed => {
            // A preview is asked with a body, and changes nothing.
            let reads = method == "GET" || path.ends_with("/preview");
            let access = if reads { Access::Read } else { Access::Write };
            ByKey::Scoped(collection, access)
        }
        _ => ByKey::Never,
    }
}

/// Why an API key with `scopes` may not use `route` with `method`, whatever its owner may; none if
/// it may.
pub(crate) fn against_key(
    scopes: &BTreeSet<Scope>,
    method: &Method,
    route: &str,
) -> Option<String> {
    match by_key(handled(method), route) {
        ByKey::Always => None,
        ByKey::Never => Some("no API key may do this; sign in".to_owned()),
        ByKey::Scoped(collection, access) => {
            let allowed = scopes.iter().any(|scope| scope.allows(collection, access));
            let access = access.name();
            (!allowed).then(|| format!("this API key lacks the scope {collection}:{access}"))
        }
    }
}

/// Whether somebody with `role` may give `scope` to an API key: whether the role itself may do any
/// of it. What everybody may do to themselves is no part of that, since the key would grow with
/// them.
pub(crate) fn grant(scope: &Scope, role: Role) -> Result<(), String> {
    let covered = TABLE.iter().filter(|(method, route, _)| {
        matches!(by_key(method, route), ByKey::Scoped(at, access) if scope.allows(at, access))
    });
    let least = covered.map(|(_, _, least)| *least);
    match least.reduce(|one, other| if other < one { other } else { one }) {
        Some(least) if role >= least => Ok(()),
        Some(least) => {
            let (least, role) = (role_name(least), role_name(role));
            Err(format!("{scope} needs the role {least}, yours is {role}"))
        }
        None => {
            let scopes: Vec<_> = scopes().into_iter().map(String::from).collect();
            Err(format!("{scope} is none of {}", scopes.join(", ")))
        }
    }
}

/// Every scope there is a route for.
pub(crate) fn scopes() -> BTreeSet<Scope> {
    let of_line = |(method, route, _): &(&str, &str, Role)| match by_key(method, route) {
        ByKey::Scoped(collection, access) => Scope::try_new(collection, access).ok(),
        ByKey::Always | ByKey::Never => None,
    };
    let everything = Scope::try_new("*", Access::Read).ok();
    TABLE.iter().filter_map(of_line).chain(everything).collect()
}

/// The least role that may use `route` with `method`; none if nobody may.
pub(crate) fn least_role(method: &Method, route: &str) -> Option<Role> {
    let method = handled(method);
    TABLE
        .iter()
        .find(|(listed, at, _)| *listed == method && *at == route)
        .map(|(_, _, role)| *role)
}

/// Whether `route` may be used with `method` by platform administrators only.
pub(crate) fn is_of_platform(method: &Method, route: &str) -> bool {
    OF_PLATFORM.contains(&(handled(method), route))
}

/// Whether `route` may be used with `method` by whoever it names.
pub(crate) fn is_of_self(method: &Method, route: &str) -> bool {
    OF_SELF.contains(&(handled(method), route))
}

/// Whether `route` may be used with `method` by whoever owns what it names.
pub(crate) fn is_of_owner(method: &Method, route: &str) -> bool {
    OF_OWNER.contains(&(handled(method), route))
}

/// Whether `route` may be used with `method` only by who has shown lately who they are.
pub(crate) fn is_stepped_up(method: &Method, route: &str) -> bool {
    STEP_UP.contains(&(handled(method), route))
}

/// A HEAD is answered by the GET handler.
fn handled(method: &Method) -> &str {
    match method.as_str() {
        "HEAD" => "GET",
        other => other,
    }
}

/// The word of a role on the wire.
pub(crate) const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Admin => "admin",
    }
}
