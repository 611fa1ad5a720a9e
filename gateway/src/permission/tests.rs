//! The table against itself, said once more and in other ways.
//!
//! Invariant: what is expected here is written out, or follows from the words of a route.

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
        let own = ["/api/v1/api-keys", "/api/v1/auth/"];
        let own = own.iter().any(|area| route.starts_with(area));
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

fn scope(text: &str) -> Scope {
    Scope::try_from(text.to_owned()).expect("a scope")
}

/// What a line must need, said once more and in another way.
fn expected(method: &str, route: &str) -> Option<String> {
    let rest = route.strip_prefix("/api/v1/")?;
    let access = match method {
        "GET" => "read",
        _ if rest == "jobs/preview" => "read",
        _ => "write",
    };
    // A socket tells what the stream does.
    let rest = if rest == "ws" { "stream" } else { rest };
    let collections = [
        "audit",
        "jobs",
        "resource-types",
        "resources",
        "settings",
        "stats",
        "stream",
        "system",
        "tasks",
        "tenant",
        "users",
        "workers",
    ];
    let collection = collections
        .iter()
        .find(|name| rest == **name || rest.starts_with(&format!("{name}/")))?;
    let in_person = [
        "email", "password", "mfa", "invite", "role", "platform", "disable", "erase",
    ];
    let last = rest.rsplit('/').next()?;
    let way_in = in_person.contains(&last)
        || [("PATCH", "settings"), ("POST", "users")].contains(&(method, rest));
    (!way_in).then(|| format!("{collection}:{access}"))
}

#[test]
fn a_key_with_one_scope_may_do_what_it_says_and_nothing_else() {
    let all = scopes();
    assert!(all.len() > 10 && all.contains(&scope("*:read")));
    for (method, route, _) in TABLE {
        let needed = expected(method, route);
        let asked: Method = method.parse().expect("a method");
        for scope in &all {
            let only = BTreeSet::from([scope.clone()]);
            let any = scope.as_str() == "*:read"
                && needed
                    .as_deref()
                    .is_some_and(|needed| needed.ends_with(":read"));
            let may =
                needed.as_deref() == Some(scope.as_str()) || any || *route == "/api/v1/auth/me";
            let against = against_key(&only, &asked, route);
            assert_eq!(
                against.is_none(),
                may,
                "{scope}: {method} {route}: {against:?}"
            );
        }
        let every_one = against_key(&all, &asked, route).is_none();
        let me = *route == "/api/v1/auth/me";
        assert_eq!(every_one, needed.is_some() || me, "{method} {route}");
    }
    let head = against_key(
        &BTreeSet::from([scope("tasks:read")]),
        &Method::HEAD,
        "/api/v1/tasks",
    );
    assert_eq!(head, None);
    for route in ["", "/", "/livez", "/api/v1/", "/api/v1"] {
        assert_eq!(by_key("GET", route), ByKey::Never, "{route}");
    }
}

#[test]
fn nobody_gives_a_key_more_than_their_role_may() {
    let table = [
        ("*:read", Role::Viewer),
        ("jobs:read", Role::Viewer),
        ("settings:read", Role::Viewer),
        ("stats:read", Role::Viewer),
        ("stream:read", Role::Viewer),
        ("tasks:read", Role::Viewer),
        ("jobs:write", Role::Operator),
        ("resource-types:write", Role::Operator),
        ("resources:write", Role::Operator),
        ("tasks:write", Role::Operator),
        ("audit:read", Role::Admin),
        ("tenant:read", Role::Viewer),
        ("users:read", Role::Admin),
        ("users:write", Role::Admin),
        ("workers:read", Role::Operator),
        ("workers:write", Role::Operator),
    ];
    for (text, least) in table {
        for role in [Role::Viewer, Role::Operator, Role::Admin] {
            let granted = grant(&scope(text), role);
            assert_eq!(
                granted.is_ok(),
                role >= least,
                "{text} {role:?}: {granted:?}"
            );
        }
    }
    for text in [
        "auth:read",
        "api-keys:write",
        "settings:write",
        "stats:write",
        "colours:read",
    ] {
        let refused = grant(&scope(text), Role::Admin).expect_err(text);
        assert!(
            refused.contains("is none of *:read, audit:read, "),
            "{refused}"
        );
    }
}

#[test]
fn what_one_owns_wants_an_administrator_of_everybody_else_and_no_step_up() {
    for (method, route) in OF_OWNER {
        let asked: Method = method.parse().expect("a method");
        assert_eq!(least_role(&asked, route), Some(Role::Admin), "{route}");
        assert!(!is_stepped_up(&asked, route), "{method} {route}");
        assert!(!is_of_self(&asked, route), "{method} {route}");
    }
    for (method, route, _) in TABLE {
        let named = route.starts_with("/api/v1/api-keys") && *method != "POST";
        let listed = OF_OWNER.contains(&(*method, *route));
        assert_eq!(listed, named, "{method} {route}");
    }
}
