//! The `OpenAPI` document.
//!
//! Each endpoint says what only it knows; what all have in common (problems, headers, security) is
//! added here, from what the extractors do.
//!
//! Invariant: the document is the same for every build of the same routes, so it can be committed
//! and compared.

mod asyncapi;
mod headers;
mod inputs;

pub use asyncapi::asyncapi;
use serde_json::{Map, Value, json};
use utoipa::{
    IntoParams, OpenApi,
    openapi::{
        Components,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    permission::{self, ByKey},
    problem, routes,
};
use schemas::api::{
    Code, Diff, Explanation, LiveChanges, LiveCommand, LiveComplete, LiveEnd, LivePosition,
    LiveReset, LiveRow, LiveRows, Problem, ResetReason,
};

/// The parameters that every list has.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "only the document is made from it; the extractor reads a query"
)]
pub(crate) struct PageParameters {
    /// How many objects to show.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// The parameter of what can be shown as it was.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "only the document is made from it; the extractor reads a query"
)]
pub(crate) struct AsOfParameter {
    /// The moment to show: a position of the log, a time (RFC 3339; the last commit at or before
    /// it), or a `Consistency-Token`. Now by default.
    as_of: Option<String>,
}

/// The parameters of an object that can be shown as it was, and what made it so.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "only the document is made from it; the extractor reads a query"
)]
pub(crate) struct LookParameters {
    /// The moment to show: a position of the log, a time (RFC 3339; the last commit at or before
    /// it), or a `Consistency-Token`. Now by default.
    as_of: Option<String>,
    /// `<from>..<to>`, two such moments of which each may be left out: shows a `Diff` instead, what
    /// changed between them and by which events. Not together with the others.
    diff: Option<String>,
    /// `true` shows an `Explanation` instead: for each field the event that last set it.
    explain: Option<bool>,
}

/// What is followed rather than read, and who is there: neither is as of one position.
const LIVE: [&str; 3] = ["/api/v1/stream", "/api/v1/workers", "/api/v1/ws"];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Almanac",
        description = "Users, resources, tasks and jobs, on a log that keeps every change.\n\n\
            Every answer that is no success is `application/problem+json`. Every write answers \
            with `Consistency-Token`; a read that sends it back sees that write. Unknown \
            parameters and fields are errors.",
    ),
    tags(
        (name = "api keys", description = "What programs ask with, in the name of somebody"),
        (name = "audit", description = "Who did or tried what"),
        (name = "auth", description = "Registering, signing in and out"),
        (name = "jobs", description = "Schedules with a template for the tasks they make"),
        (name = "live", description = "What is happening now"),
        (name = "resource types", description = "What attributes resources have"),
        (name = "resources", description = "What is operated"),
        (name = "settings", description = "What a tenant decides for itself"),
        (name = "system", description = "Probes and documents"),
        (name = "tasks", description = "Units of work"),
        (name = "tenants", description = "Whom everything else belongs to"),
        (name = "users", description = "People who sign in"),
        (name = "workers", description = "Who does the work, and how to do it elsewhere"),
    ),
    components(schemas(
        Diff,
        Explanation,
        LiveChanges,
        LiveCommand,
        LiveComplete,
        LiveEnd,
        LivePosition,
        LiveReset,
        LiveRow,
        LiveRows,
        Problem,
        ResetReason
    )),
)]
struct Head;

/// The part of the document that belongs to no endpoint.
pub(crate) fn head() -> utoipa::openapi::OpenApi {
    let mut document = Head::openapi();
    "1".clone_into(&mut document.info.version);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme("api_key", SecurityScheme::Http(api_key()));
    document
}

/// How API keys are sent, and which scopes there are.
fn api_key() -> utoipa::openapi::security::Http {
    let scopes: Vec<_> = permission::scopes().into_iter().collect();
    let scopes: Vec<_> = scopes.iter().map(|scope| format!("`{scope}`")).collect();
    let description = format!(
        "An API key, sent like an access token. It does what its owner's role allows and one of \
         its scopes as well: {}. No scope opens what is marked without `api_key`.",
        scopes.join(", ")
    );
    HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("alm_<id>_<secret>_<checksum>")
        .description(Some(description))
        .build()
}

/// Who may use an operation that not everybody may: with an access token, or with an API key that
/// has the scope.
fn security(method: &str, path: &str) -> Value {
    let session = json!({"bearer": []});
    match permission::by_key(method, path) {
        ByKey::Always => json!([session, {"api_key": []}]),
        ByKey::Never => json!([session]),
        ByKey::Scoped(collection, access) => {
            let scope = format!("{collection}:{}", access.name());
            json!([session, {"api_key": [scope]}])
        }
    }
}

/// The document, as JSON for people and for version control.
pub fn openapi() -> String {
    let (_, document) = routes::documented().split_for_parts();
    let mut document = serde_json::to_value(document).unwrap_or_default();
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, operations) in paths {
            for (method, operation) in operations.as_object_mut().into_iter().flatten() {
                complete(&method.to_ascii_uppercase(), path, operation);
            }
        }
    }
    inputs::close(&mut document);
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// Adds what follows from the kind of the operation.
fn complete(method: &str, path: &str, operation: &mut Value) {
    let role = permission::TABLE
        .iter()
        .find(|(listed, at, _)| *listed == method && *at == path)
        .map(|(_, _, role)| permission::role_name(*role));
    // Sign-ins are not in the log, so they have no position and no version.
    let begins = method == "POST" && path.starts_with("/api/v1/auth/oidc/");
    let logged = role.is_some() && is_logged(method, path) && !begins;
    let reads = logged && method == "GET" && !LIVE.contains(&path);
    let writes = logged && method != "GET" && !path.ends_with("/preview");
    let has_body = operation.get("requestBody").is_some();
    let names_object = path.contains('{');
    restrict(method, path, role, operation);
    // A type of resources is named by its body.
    let conditional = names_object && logged
        || writes && path.ends_with("/resource-types")
        || path == "/api/v1/settings";
    headers::add(operation, reads, writes, conditional);
    if reads && conditional && operation["operationId"].as_str().is_some_and(is_of_one) {
        operation["responses"]["304"] = json!({"description": "The client has it already"});
    }
    tell_of_past(operation);
    let mut codes = vec![Code::InvalidParameter, Code::Internal];
    let mut may = |condition: bool, more: &[Code]| {
        if condition {
            codes.extend_from_slice(more);
        }
    };
    may(
        role.is_some(),
        &[Code::AuthenticationRequired, Code::Forbidden],
    );
    may(names_object, &[Code::NotFound]);
    may(has_body, &[Code::BodyTooLarge, Code::UnsupportedMediaType]);
    may(writes, &[Code::Conflict, Code::IdempotencyKeyReused]);
    may(writes && conditional, &[Code::VersionMismatch]);
    may(
        path.starts_with("/api/v1/auth/"),
        &[Code::InvalidCredentials, Code::Forbidden],
    );
    may(
        ["/register", "/users", "/users/invite"]
            .iter()
            .any(|end| path.ends_with(end)),
        &[Code::EmailTaken],
    );
    may(
        path.contains("/auth/oidc/"),
        &[
            Code::IdentityNotLinked,
            Code::IdentityTaken,
            Code::InvalidAssertion,
        ],
    );
    let counted = path.starts_with("/api/") || path == "/readyz";
    may(counted, &[Code::TooManyRequests]);
    may(path != "/livez", &[Code::Unavailable]);
    add_problems(operation, &codes);
    if counted {
        add_limits(operation);
    }
}

/// Says what is shown instead of an object to whoever asks how it came to be.
fn tell_of_past(operation: &mut Value) {
    let parameters = operation["parameters"].as_array();
    let mut parameters = parameters.into_iter().flatten();
    if parameters.any(|parameter| parameter["name"] == "diff") {
        let schema = &mut operation["responses"]["200"]["content"]["application/json"]["schema"];
        let told = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
        *schema = json!({"anyOf": [schema.take(), told("Diff"), told("Explanation")]});
    }
}

/// Says who may use the operation.
fn restrict(method: &str, path: &str, role: Option<&str>, operation: &mut Value) {
    operation["security"] = match role {
        Some(_) => security(method, path),
        None => json!([]),
    };
    if let Some(role) = role {
        operation["x-least-role"] = json!(role);
        if permission::OF_SELF.contains(&(method, path)) {
            operation["x-or-self"] = json!(true);
        }
        if permission::OF_OWNER.contains(&(method, path)) {
            operation["x-or-owner"] = json!(true);
        }
        if permission::OF_PLATFORM.contains(&(method, path)) {
            operation["x-platform"] = json!(true);
        }
        if permission::STEP_UP.contains(&(method, path)) {
            operation["x-step-up"] = json!(permission::STEP_UP_S);
        }
    }
}

/// Whether it is about what the log has: what the vault alone has, or the program, is without
/// position and version.
fn is_logged(method: &str, path: &str) -> bool {
    if path == "/api/v1/settings/schema" {
        return false;
    }
    match path.strip_prefix("/api/v1/auth/") {
        Some("mfa" | "mfa/recovery-codes" | "step-up") => false,
        Some("mfa/totp") => method == "DELETE",
        Some(rest) => !rest.starts_with("sessions"),
        None => true,
    }
}

fn add_problems(operation: &mut Value, codes: &[Code]) {
    for code in codes {
        let status = problem::status(*code);
        operation["responses"][status.as_str()] = json!({
            "description": status.canonical_reason(),
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
            },
        });
    }
}

/// What every answer of a route that is counted tells of its limits.
fn add_limits(operation: &mut Value) {
    for response in operation["responses"]
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut)
    {
        for (name, description) in [
            (
                "RateLimit",
                "What is left, and for how many seconds, under each limit",
            ),
            (
                "RateLimit-Policy",
                "The limits: requests, and seconds of a window",
            ),
        ] {
            response["headers"][name] =
                json!({"description": description, "schema": {"type": "string"}});
        }
    }
    operation["responses"]["429"]["headers"]["Retry-After"] =
        json!({"description": "When to try again, in seconds", "schema": {"type": "string"}});
}

/// Whether an operation that names an object shows that object rather than a list about it.
fn is_of_one(operation: &str) -> bool {
    operation.starts_with("get_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn operations() -> Vec<(String, String, Value)> {
        let document: Value = serde_json::from_str(&openapi()).expect("JSON");
        assert!(
            document["openapi"]
                .as_str()
                .expect("a version")
                .starts_with("3.1")
        );
        let paths = document["paths"].as_object().expect("paths").clone();
        paths
            .into_iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().expect("methods").clone();
                methods
                    .into_iter()
                    .map(move |(method, value)| (method.to_uppercase(), path.clone(), value))
            })
            .collect()
    }

    #[test]
    fn the_committed_document_is_the_one_that_is_served() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../schemas/generated/openapi.json"
        );
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == openapi(),
            "the routes have changed: run `cargo xtask schemas`"
        );
    }

    #[test]
    fn every_operation_is_named_described_and_secured() {
        let mut names = HashSet::new();
        for (method, path, operation) in operations() {
            let name = operation["operationId"].as_str().expect("an id").to_owned();
            assert!(names.insert(name), "{method} {path}");
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert_eq!(
                operation["tags"].as_array().map(Vec::len),
                Some(1),
                "{method} {path}"
            );
            assert!(operation["security"].is_array(), "{method} {path}");
            let responses = operation["responses"].as_object().expect("responses");
            let goes_on = |status: &String| {
                status.starts_with('2') || ["101", "303"].contains(&status.as_str())
            };
            assert!(responses.keys().any(goes_on), "{method} {path}");
            assert!(responses.contains_key("400"), "{method} {path}");
        }
    }

    #[test]
    fn every_permission_is_of_a_route_and_the_rest_is_open_on_purpose() {
        let open = [
            "GET /.well-known/jwks.json",
            "GET /api/asyncapi.json",
            "GET /api/openapi.json",
            "GET /api/v1/auth/oidc",
            "GET /api/v1/auth/oidc/{name}/start",
            "GET /auth/oidc/{name}/callback",
            "GET /livez",
            "GET /problems/{code}",
            "GET /readyz",
            "POST /api/v1/auth/invitations/accept",
            "POST /api/v1/auth/login",
            "POST /api/v1/auth/login/mfa",
            "POST /api/v1/auth/logout",
            "POST /api/v1/auth/refresh",
            "POST /api/v1/auth/register",
        ];
        let documented: HashSet<String> = operations()
            .into_iter()
            .map(|(method, path, _)| format!("{method} {path}"))
            .collect();
        let listed: HashSet<String> = permission::TABLE
            .iter()
            .map(|(method, path, _)| format!("{method} {path}"))
            .chain(open.map(str::to_owned))
            .collect();
        assert_eq!(documented, listed);
    }
}
