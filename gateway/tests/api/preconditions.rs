//! What a request expects of its object.
//!
//! Invariant: what is not as expected is refused with the present version, on every route that
//! changes anything, and nothing is changed.

use axum::http::Method;
use domain::user::Role;
use schemas::api::Code;
use serde_json::{Value, json};

use crate::world::{Answer, Client, on_world};

/// A change of an object: the method, what follows its path, and the body.
type Change = (Method, &'static str, Value);

const STALE: (&str, &str) = ("if-match", "\"9\"");
const MUST_EXIST: (&str, &str) = ("if-match", "*");
const MUST_NOT_EXIST: (&str, &str) = ("if-none-match", "*");

fn job() -> Value {
    json!({"name": "expected", "enabled": false, "task": {"kind": "expected"},
        "schedule": {"type": "interval", "every_ms": 60_000}})
}

async fn send(client: &Client, path: &str, change: &Change, header: (&str, &str)) -> Answer {
    let (method, suffix, body) = change;
    let path = format!("{path}{suffix}");
    client.json(method.clone(), &path, &[header], body).await
}

/// Every change of the object at `path`, which is at version 1, on terms that it does not meet.
async fn refuses(client: &Client, path: &str, changes: &[Change]) {
    for change in changes {
        for header in [STALE, MUST_NOT_EXIST] {
            let refused = send(client, path, change, header).await;
            assert_eq!(refused.status, 412, "{change:?} {header:?}: {refused:?}");
            let problem = refused.problem(Code::VersionMismatch);
            assert_eq!(problem.current_etag.as_deref(), Some("\"1\""), "{change:?}");
        }
    }
}

#[test]
fn no_change_ignores_what_is_expected() {
    on_world(|world| async move {
        let client = world.operator().await;
        let none = || json!({});
        let named = json!({"name": "other"});
        let made = client.post("/jobs", job()).await.expect(201);
        let path = format!("/jobs/{}", made.id());
        let changes = [
            (Method::PATCH, "", named.clone()),
            (Method::PUT, "", job()),
            (Method::POST, "/pause", none()),
            (Method::POST, "/resume", none()),
            (Method::POST, "/trigger", none()),
            (Method::DELETE, "", none()),
        ];
        refuses(&client, &path, &changes).await;
        for change in &changes {
            let status = send(&client, &path, change, MUST_EXIST).await.status;
            assert!(status.is_success(), "{change:?}: {status}");
        }

        let (id, _) = client.make_task("expected").await;
        let changes = [
            (Method::PUT, "/cancel", none()),
            (Method::POST, "/retry", none()),
        ];
        refuses(&client, &format!("/tasks/{id}"), &changes).await;

        let thing = json!({"type": "expected", "name": "one"});
        let made = client.post("/resources", thing.clone()).await.expect(201);
        let path = format!("/resources/{}", made.id());
        let changes = [
            (Method::PATCH, "", named),
            (Method::PUT, "", thing),
            (Method::DELETE, "", none()),
        ];
        refuses(&client, &path, &changes).await;
        for change in &changes {
            let status = send(&client, &path, change, MUST_EXIST).await.status;
            assert!(status.is_success(), "{change:?}: {status}");
        }
        // Now it is gone.
        for change in &changes {
            let refused = send(&client, &path, change, MUST_EXIST).await;
            assert_eq!(refused.status, 412, "{change:?}: {refused:?}");
        }
    });
}

#[test]
fn a_trigger_is_refused_once_the_job_has_changed_but_never_its_replay() {
    on_world(|world| async move {
        let client = world.operator().await;
        let made = client.post("/jobs", job()).await.expect(201);
        let path = format!("/jobs/{}", made.id());
        let trigger = format!("{path}/trigger");
        let seen = ("if-match", made.header("etag"));
        let keyed = [seen, ("idempotency-key", "trigger")];
        let post = Method::POST;
        let first = client
            .json(post.clone(), &trigger, &keyed, &json!({}))
            .await;
        let first = first.expect(201);
        let changes = json!({"task": {"kind": "changed"}});
        client
            .json(Method::PATCH, &path, &[], &changes)
            .await
            .expect(200);
        let late = client
            .json(post.clone(), &trigger, &[seen], &json!({}))
            .await;
        let problem = late.problem(Code::VersionMismatch);
        assert_eq!(problem.current_etag.as_deref(), Some("\"2\""));
        let again = client
            .json(post.clone(), &trigger, &keyed, &json!({}))
            .await;
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(again.expect(201).body(), first.body());
        let other = [seen, ("idempotency-key", "too late")];
        let late = client
            .json(post.clone(), &trigger, &other, &json!({}))
            .await;
        late.problem(Code::VersionMismatch);

        client
            .send(Method::DELETE, &path, &[], "")
            .await
            .expect(204);
        let again = client
            .json(post.clone(), &trigger, &keyed, &json!({}))
            .await;
        assert_eq!(again.expect(201).body(), first.body());
        let gone = client.json(post, &trigger, &other, &json!({})).await;
        gone.problem(Code::NotFound);
    });
}

#[test]
fn what_is_yet_to_be_made_takes_no_expectation() {
    on_world(|world| async move {
        let client = world.signed_in(Role::Admin).await;
        let bodies = [
            ("/jobs", job()),
            ("/tasks", json!({"kind": "unexpected"})),
            ("/resources", json!({"type": "expected", "name": "two"})),
            (
                "/users",
                json!({"email": "expected@example.org", "password": "a good one",
                    "name": "Eve", "role": "viewer"}),
            ),
        ];
        for (path, body) in &bodies {
            for header in [STALE, MUST_EXIST, MUST_NOT_EXIST] {
                let change = (Method::POST, "", body.clone());
                let refused = send(&client, path, &change, header).await;
                refused.problem(Code::InvalidParameter);
            }
        }
    });
}
