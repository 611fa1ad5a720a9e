//! What no honest client sends.
//!
//! Invariant: a precise problem, nothing stored, and never a 5xx.

use axum::{body::Body, http::Method};
use projections::tasks;
use schemas::api::Code;
use serde_json::json;

use crate::world::{Client, on_world};

const JSON: (&str, &str) = ("content-type", "application/json");

/// A body, and where it is wrong.
const WRONG: &[(&str, &str)] = &[
    ("", ""),
    ("{", ""),
    ("null", ""),
    ("[1,2", ""),
    (r#"{"kind":"never"} {}"#, ""),
    (r#"{"kind":["never"]}"#, "/kind"),
    (r#"{"kind":"never","tenant_id":"x"}"#, "/tenant_id"),
    (r#"{"kind":"never","status":"succeeded"}"#, "/status"),
    (r#"{"kind":"never","kind":"twice"}"#, "/kind"),
    (r#"{"kind":"never","priority":"urgent"}"#, "/priority"),
    (r#"{"kind":"never","max_attempts":1.5}"#, "/max_attempts"),
    (
        r#"{"kind":"never","max_attempts":4294967296}"#,
        "/max_attempts",
    ),
    (r#"{"kind":"never","not_before":"soon"}"#, "/not_before"),
    (
        r#"{"kind":"never","payload":{"a":["\u0000"]}}"#,
        "/payload/a/0",
    ),
    (r#"{"kind":"never","payload":{"a\u0000":1}}"#, "/payload"),
    (r#"{"kind":"never","payload":"\ud800"}"#, "/payload"),
    (r#"{"kind":"never","payload":"\udc00\ud800"}"#, "/payload"),
    (r#"{"kind":"never","payload":1e400}"#, "/payload"),
];

async fn send(client: &Client, body: impl Into<Body>) -> crate::world::Answer {
    client.send(Method::POST, "/tasks", &[JSON], body).await
}

#[test]
fn bodies_that_are_wrong_are_pointed_at_and_not_stored() {
    on_world(|world| async move {
        let client = world.operator().await;
        let deep = |levels: usize| {
            let (open, close) = ("[".repeat(levels), "]".repeat(levels));
            format!(r#"{{"kind":"never","payload":{open}{close}}}"#)
        };
        for (body, pointer) in WRONG.iter().copied() {
            let problem = send(&client, body).await.problem(Code::InvalidBody);
            assert_eq!(problem.errors.len(), 1, "{body}");
            assert_eq!(problem.errors[0].pointer, pointer, "{body}: {problem:?}");
        }
        for body in [deep(32), deep(100_000)] {
            let problem = send(&client, body).await.problem(Code::InvalidBody);
            assert!(problem.errors[0].detail.contains("32 levels"));
        }
        send(&client, deep(31).replace("never", "deep"))
            .await
            .expect(201);
        let latin = b"{\"kind\":\"never\",\"payload\":\"\xe9\"}".to_vec();
        send(&client, latin).await.problem(Code::InvalidBody);
        let huge = format!(r#"{{"kind":"never","payload":"{}"}}"#, "x".repeat(300_000));
        send(&client, huge.clone())
            .await
            .problem(Code::BodyTooLarge);
        let unannounced = futures::stream::iter(
            huge.into_bytes()
                .chunks(4_096)
                .map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()))
                .collect::<Vec<_>>(),
        );
        let unannounced = Body::from_stream(unannounced);
        send(&client, unannounced).await.problem(Code::BodyTooLarge);

        let (_, last) = client.make_task("after").await;
        let fresh = [("consistency-token", last.token())];
        let none = client
            .get_with("/tasks?kind=never", &fresh)
            .await
            .expect(200);
        assert_eq!(none.body()["items"], json!([]));
        let filter = tasks::Filter {
            kinds: vec!["twice".into(), "never".into()],
            ..tasks::Filter::default()
        };
        let all = projections::PageRequest::first(projections::Sort::default(), 10);
        let tenant = commands::DEFAULT_TENANT;
        let stored = tasks::list(&world.services.store, tenant, &filter, &all).await;
        assert!(stored.expect("read").value.items.is_empty());
    });
}

#[test]
fn media_types_are_checked() {
    on_world(|world| async move {
        let client = world.operator().await;
        let body = r#"{"kind":"never"}"#;
        for kind in [
            "text/plain",
            "application/xml",
            "application/json-patch+json",
            "",
        ] {
            let headers = [("content-type", kind)];
            let answer = client.send(Method::POST, "/tasks", &headers, body).await;
            answer.problem(Code::UnsupportedMediaType);
        }
        let packed = [JSON, ("content-encoding", "gzip")];
        let answer = client.send(Method::POST, "/tasks", &packed, body).await;
        answer.problem(Code::UnsupportedMediaType);
        let with_charset = [("content-type", "Application/JSON; charset=utf-8")];
        let body = r#"{"kind":"charset"}"#;
        client
            .send(Method::POST, "/tasks", &with_charset, body)
            .await
            .expect(201);
        let path = format!("/resources/{}", world.services.commands.ids().next());
        let wrong = [("content-type", "application/json-patch+json")];
        let answer = client.send(Method::PATCH, &path, &wrong, "[]").await;
        answer.problem(Code::UnsupportedMediaType);
        assert_eq!(
            answer.header("accept-patch"),
            "application/merge-patch+json"
        );
    });
}

#[test]
fn parameters_and_headers_are_checked() {
    on_world(|world| async move {
        let client = world.operator().await;
        for path in [
            "/tasks?colour=red",
            "/tasks?limit=0",
            "/tasks?limit=201",
            "/tasks?limit=ten",
            "/tasks?limit=1&limit=2",
            "/tasks?status=asleep",
            "/tasks?status=",
            "/tasks?sort=colour",
            "/tasks?job_id=x",
            "/tasks?kind=a%00b",
            "/jobs?status=deleted",
            "/resources?labels[a=b",
            "/stats?x=1",
            "/auth/me?x=1",
            "/stream?after=x",
        ] {
            let problem = client.get(path).await.problem(Code::InvalidParameter);
            assert!(problem.detail.contains(": "), "{path}: {}", problem.detail);
        }
        let body = json!({"kind": "never"});
        let long = "x".repeat(256);
        for header in [
            ("idempotency-key", ""),
            ("idempotency-key", long.as_str()),
            ("if-match", "7"),
            ("if-match", "W/\"7\""),
            ("if-none-match", "\"7\""),
        ] {
            let answer = client.json(Method::POST, "/tasks", &[header], &body).await;
            answer.problem(Code::InvalidParameter);
        }
        let answer = client
            .json(Method::POST, "/tasks?force=1", &[], &body)
            .await;
        answer.problem(Code::InvalidParameter);
    });
}

#[test]
fn what_is_not_there_is_not_found() {
    on_world(|world| async move {
        let client = world.operator().await;
        let unknown = world.services.commands.ids().next();
        for area in ["tasks", "jobs", "resources", "users"] {
            for id in [unknown.to_string(), "x".to_owned(), "%00".to_owned()] {
                client
                    .get(&format!("/{area}/{id}"))
                    .await
                    .problem(Code::NotFound);
                let events = format!("/{area}/{id}/events");
                client.get(&events).await.problem(Code::NotFound);
            }
        }
        for (method, path) in [
            (Method::PUT, format!("/tasks/{unknown}/cancel")),
            (Method::POST, format!("/tasks/{unknown}/retry")),
            (Method::POST, format!("/jobs/{unknown}/pause")),
            (Method::DELETE, format!("/jobs/{unknown}")),
            (Method::DELETE, format!("/resources/{unknown}")),
        ] {
            client
                .send(method, &path, &[], "")
                .await
                .problem(Code::NotFound);
        }
        let changes = json!({"name": "x"});
        for area in ["jobs", "resources"] {
            let path = format!("/{area}/{unknown}");
            let answer = client.json(Method::PATCH, &path, &[], &changes).await;
            answer.problem(Code::NotFound);
        }
    });
}

#[test]
fn unknown_routes_and_methods_are_problems() {
    on_world(|world| async move {
        let client = world.operator().await;
        for path in [
            "/nothing",
            "/tasks/",
            "!/api",
            "/api/v2/tasks",
            "!/assets/none.js",
        ] {
            client.get(path).await.problem(Code::RouteNotFound);
        }
        let answer = client.send(Method::DELETE, "/tasks", &[], "").await;
        answer.problem(Code::MethodNotAllowed);
        let mut allowed: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed, ["GET", "HEAD", "POST"]);
        let trace = client.send(Method::TRACE, "/tasks", &[], "").await;
        trace.problem(Code::MethodNotAllowed);
        let page = client.send(Method::POST, "!/tasks", &[], "").await;
        page.problem(Code::MethodNotAllowed);
        assert_eq!(page.header("allow"), "GET, HEAD");
    });
}

#[test]
fn a_path_that_is_no_text_names_nothing() {
    on_world(|world| async move {
        let client = world.operator().await;
        let paths = ["/tasks/%ff", "/resource-types/%ff", "!/problems/%ff"];
        for path in paths {
            client.get(path).await.problem(Code::NotFound);
        }
    });
}
