//! What is worth a record, and what it is about.
//!
//! Invariant: whatever could change something is worth one, and so is every refusal of what only
//! reads; of reads that are answered only those of people and of the audit itself.

use axum::http::Method;
use schemas::api::{AuditCredential, AuditResult};

/// The longest name in a path that is repeated, in characters.
const NAME_MAX: usize = 100;
/// nginx's word for a client that left before the answer.
pub(super) const LEFT: u16 = 499;

/// Whether a request is worth a record.
pub(super) fn is_recorded(method: &Method, route: &str, status: u16, is_known: bool) -> bool {
    if !reads(method, route) {
        return true;
    }
    match status {
        401 | 403 | 409 | 412 | 422 | 429 => true,
        // What strangers look for in vain is no business of a tenant's.
        404 => is_known,
        ..=399 => ["/api/v1/audit", "/api/v1/users"]
            .iter()
            .any(|told| route.starts_with(told)),
        _ => false,
    }
}

/// Whether a request changes nothing, whatever comes of it.
fn reads(method: &Method, route: &str) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
        || route == "/api/v1/jobs/preview"
        || is_of_worker(route)
}

/// Whether it is what a worker outside says all the time: it asks for attempts, or speaks of the
/// one that it has. What follows from that is in the log, in nobody's name but the worker's.
fn is_of_worker(route: &str) -> bool {
    let rest = route.strip_prefix("/api/v1/workers/").unwrap_or_default();
    rest == "lease" || rest.ends_with("/heartbeat") || rest.ends_with("/logs")
}

/// What a status means.
pub(super) const fn result(status: u16) -> AuditResult {
    match status {
        ..=399 => AuditResult::Allowed,
        400..LEFT => AuditResult::Refused,
        _ => AuditResult::Failed,
    }
}

/// What is shown at a route that asks for no access token.
pub(super) fn credential(route: &str) -> AuditCredential {
    if route.contains("/oidc") {
        AuditCredential::Issuer
    } else if route.ends_with("/refresh") || route.ends_with("/logout") {
        AuditCredential::RefreshToken
    } else {
        AuditCredential::Password
    }
}

/// The sort of objects that a route is about: the word in its path.
pub(super) fn kind(route: &str) -> Option<&str> {
    let rest = route.strip_prefix("/api/v1/")?;
    let rest = rest.strip_prefix("auth/").unwrap_or(rest);
    let is_sign_in = rest.len() < route.len() - "/api/v1/".len() && !rest.contains('/');
    let kind = rest.split('/').next()?;
    let is_list = ["sessions", "api-keys"].contains(&kind);
    (!is_sign_in || is_list).then_some(kind)
}

/// What `path` has where `route` leaves a segment open, if it looks like one of ours. What a client
/// may write there otherwise is not repeated.
pub(super) fn id<'a>(route: &str, path: &'a str) -> Option<&'a str> {
    let pairs = route.split('/').zip(path.split('/'));
    let mut open = pairs.filter(|(template, _)| template.starts_with('{'));
    let (_, id) = open.next()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_ours = (1..=NAME_MAX).contains(&id.len()) && id.bytes().all(plain);
    is_ours.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = "/api/v1/tasks/{id}";

    #[test]
    fn what_could_change_something_is_recorded_whatever_comes_of_it() {
        for status in [
            200, 201, 204, 400, 401, 403, 404, 409, 412, 429, 499, 500, 503,
        ] {
            for route in ["/api/v1/tasks", "/api/v1/auth/login"] {
                assert!(is_recorded(&Method::POST, route, status, false), "{status}");
            }
        }
    }

    #[test]
    fn of_reads_refusals_are_recorded_and_looks_at_people() {
        let read = |route, status| is_recorded(&Method::GET, route, status, true);
        for status in [401, 403, 404, 429] {
            assert!(read(TASK, status), "{status}");
        }
        for status in [200, 304, 400, 499, 503] {
            assert!(!read(TASK, status), "{status}");
        }
        assert!(read("/api/v1/users", 200) && read("/api/v1/users/{id}/events", 200));
        assert!(read("/api/v1/audit", 200) && read("/api/v1/audit/export", 200));
        assert!(!is_recorded(&Method::GET, TASK, 404, false));
        assert!(!is_recorded(
            &Method::POST,
            "/api/v1/jobs/preview",
            200,
            true
        ));
        assert!(is_recorded(
            &Method::POST,
            "/api/v1/jobs/preview",
            403,
            true
        ));
    }

    #[test]
    fn a_status_means_one_result() {
        assert_eq!(result(204), AuditResult::Allowed);
        assert_eq!(result(304), AuditResult::Allowed);
        assert_eq!(result(404), AuditResult::Refused);
        assert_eq!(result(LEFT), AuditResult::Failed);
        assert_eq!(result(503), AuditResult::Failed);
    }

    #[test]
    fn a_target_is_what_the_path_names() {
        assert_eq!(kind(TASK), Some("tasks"));
        assert_eq!(kind("/api/v1/auth/sessions/{id}"), Some("sessions"));
        assert_eq!(kind("/api/v1/auth/sessions"), Some("sessions"));
        assert_eq!(kind("/api/v1/auth/login"), None);
        assert_eq!(id(TASK, "/api/v1/tasks/x-1.y"), Some("x-1.y"));
        assert_eq!(id(TASK, "/api/v1/tasks/ann@example.org"), None);
        assert_eq!(id(TASK, "/api/v1/tasks/%41"), None);
        assert_eq!(
            id(TASK, &format!("/api/v1/tasks/{}", "x".repeat(101))),
            None
        );
        assert_eq!(id("/api/v1/tasks", "/api/v1/tasks"), None);
    }
}
