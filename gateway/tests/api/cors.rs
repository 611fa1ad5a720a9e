//! Browsers with pages of other origins.
//!
//! Invariant: only what is listed is allowed, and by default nothing is.

use axum::http::Method;
use schemas::api::Code;

use crate::world::{Client, World, on_world};

const LISTED: &str = "https://desk.example.org";

/// Somebody at a gateway that lists these origins.
fn at_gateway(world: &World, origins: &[&str]) -> Client {
    let mut services = world.services.clone();
    let origins = origins.iter().map(|text| (*text).to_owned().try_into());
    services.config.cors_origins = origins.collect::<Result<_, _>>().expect("origins");
    services.config.limits.anonymous = "1/900s".parse().expect("a limit");
    Client {
        router: gateway::router(services),
        bearer: None,
    }
}

#[test]
fn a_listed_origin_may_ask_and_no_other() {
    on_world(|world| async move {
        for (listed, origin, allowed) in [
            (&[LISTED][..], LISTED, true),
            (&[LISTED], "https://desk.example.org.evil.example", false),
            (&[LISTED], "http://desk.example.org", false),
            (&[LISTED], "null", false),
            (&[], LISTED, false),
        ] {
            let client = at_gateway(world, listed);
            let preflight = [
                ("origin", origin),
                ("access-control-request-method", "PUT"),
                ("access-control-request-headers", "authorization"),
            ];
            let mut answers = Vec::new();
            if !listed.is_empty() {
                // Not counted: what follows is the first request.
                let asked = client.send(Method::OPTIONS, "/tasks", &preflight, "");
                answers.push(asked.await.expect(200));
            }
            let answer = client.get_with("/tasks", &[("origin", origin)]).await;
            answer.problem(Code::AuthenticationRequired);
            let refused = client.get_with("/tasks", &[("origin", origin)]).await;
            refused.problem(Code::TooManyRequests);
            let told = if allowed { Some(origin) } else { None };
            answers.extend([answer, refused]);
            for answer in answers {
                let header = |name: &str| {
                    let value = answer.headers.get(name)?;
                    Some(value.to_str().expect("text").to_owned())
                };
                let origin = header("access-control-allow-origin");
                assert_eq!(origin.as_deref(), told, "{answer:?}");
                if allowed {
                    let credentials = header("access-control-allow-credentials");
                    assert_eq!(credentials.as_deref(), Some("true"));
                }
                let vary = answer.headers.get_all("vary").iter();
                let vary: Vec<_> = vary.map(|value| value.to_str().expect("text")).collect();
                assert!(
                    listed.is_empty() || vary.join(",").contains("origin"),
                    "{vary:?}"
                );
            }
        }
    });
}

#[test]
fn nothing_is_echoed_to_trace() {
    on_world(|world| async move {
        for path in ["/tasks", "!/livez", "!/"] {
            let secret = [("x-secret", "hunter2")];
            let answer = world
                .stranger()
                .send(Method::TRACE, path, &secret, "")
                .await;
            answer.problem(Code::MethodNotAllowed);
            assert!(!format!("{answer:?}").contains("hunter2"));
        }
    });
}
