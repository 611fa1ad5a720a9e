//! Who may do what: one line for each route that wants a signed-in user.
//!
//! Invariant: a route that asks who the caller is and is not listed here is allowed to nobody.

use axum::http::Method;
use domain::user::Role;

/// Method, route, and the least role that may. A route that is not listed is open to everybody.
pub(crate) const TABLE: &[(&str, &str, Role)] = &[
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
    ("POST", "/api/v1/jobs/{id}/pause", Role::Operator),
    ("POST", "/api/v1/jobs/{id}/resume", Role::Operator),
    ("GET", "/api/v1/jobs/{id}/runs", Role::Viewer),
    ("POST", "/api/v1/jobs/{id}/trigger", Role::Operator),
    ("GET", "/api/v1/resource-types", Role::Viewer),
    ("POST", "/api/v1/resource-types", Role::Operator),
    ("PUT", "/api/v1/resource-types", Role::Operator),
    ("GET", "/api/v1/resource-types/{name}", Role::Viewer),
    ("GET", "/api/v1/resources", Role::Viewer),
    ("POST", "/api/v1/resources", Role::Operator),
    ("DELETE", "/api/v1/resources/{id}", Role::Operator),
    ("GET", "/api/v1/resources/{id}", Role::Viewer),
    ("PATCH", "/api/v1/resources/{id}", Role::Operator),
    ("PUT", "/api/v1/resources/{id}", Role::Operator),
    ("GET", "/api/v1/resources/{id}/events", Role::Viewer),
    ("GET", "/api/v1/stats", Role::Viewer),
    ("GET", "/api/v1/stream", Role::Viewer),
    ("GET", "/api/v1/tasks", Role::Viewer),
    ("POST", "/api/v1/tasks", Role::Operator),
    ("GET", "/api/v1/tasks/{id}", Role::Viewer),
    ("PUT", "/api/v1/tasks/{id}/cancel", Role::Operator),
    ("GET", "/api/v1/tasks/{id}/events", Role::Viewer),
    ("POST", "/api/v1/tasks/{id}/retry", Role::Operator),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_names_any_tenant_is_for_platform_administrators() {
        for (method, route, role) in TABLE {
            let listed = OF_PLATFORM.contains(&(*method, *route));
            let named = route.starts_with("/api/v1/tenants") || route.ends_with("/platform");
            assert_eq!(listed, named, "{method} {route}");
            assert!(!listed || *role == Role::Admin, "{method} {route}");
        }
    }

    #[test]
    fn viewers_change_nothing_but_their_sign_ins_and_only_administrators_see_the_users() {
        for (method, route, role) in TABLE {
            let own = route.starts_with("/api/v1/auth/");
            let changes = *method != "GET" && !own && !route.ends_with("/preview");
            assert!(!changes || *role > Role::Viewer, "{method} {route}");
        }
        assert_eq!(least_role(&Method::GET, "/api/v1/users"), Some(Role::Admin));
        assert_eq!(
            least_role(&Method::HEAD, "/api/v1/tasks"),
            Some(Role::Viewer)
        );
        assert_eq!(least_role(&Method::GET, "/api/v1/unlisted"), None);
    }

    #[test]
    fn whatever_ends_or_gives_a_way_in_wants_a_step_up() {
        for (method, route, role) in TABLE {
            let kept = (*method, *route);
            let of_users = route.starts_with("/api/v1/users") && *role == Role::Admin;
            let harmless = route.ends_with("/enable") || *method == "PATCH";
            let wants = of_users && *method != "GET" && !harmless;
            assert!(!wants || STEP_UP.contains(&kept), "{method} {route}");
        }
        for (method, route) in STEP_UP {
            let listed = |(at, of, _): &(&str, &str, Role)| at == method && of == route;
            assert!(TABLE.iter().any(listed), "{method} {route}");
            assert_ne!(*method, "GET", "{route}");
        }
    }
}
