//! Tasks as clients ask for them.
//!
//! Invariant: only what a client may do to a task is done here; its worker's part is elsewhere.

use axum::http::Method;
use schemas::api::Code;
use serde_json::json;

use crate::world::on_world;

#[test]
fn a_task_is_made_cancelled_and_tried_again() {
    on_world(|world| async move {
        let client = world.operator().await;
        let (id, made) = client.make_task("echo").await;
        assert_eq!(made.body()["status"], "queued");
        let path = format!("/tasks/{id}");
        let fresh = [("consistency-token", made.token())];
        let shown = client.get_with(&path, &fresh).await.expect(200);
        assert_eq!(shown.body(), made.body());
        let early = client
            .send(Method::POST, &format!("{path}/retry"), &[], "")
            .await;
        early.problem(Code::InvalidState);
        let cancel = format!("{path}/cancel");
        let why = json!({"reason": "not needed"});
        let stopped = client
            .json(Method::PUT, &cancel, &[], &why)
            .await
            .expect(200);
        assert_eq!(stopped.body()["status"], "cancelled");
        let again = client.send(Method::PUT, &cancel, &[], "").await.expect(200);
        assert_eq!(again.header("etag"), stopped.header("etag"));
        let retry = format!("{path}/retry");
        let stale = [("if-match", "\"1\"")];
        let refused = client.send(Method::POST, &retry, &stale, "").await;
        refused.problem(Code::VersionMismatch);
        let retried = client.send(Method::POST, &retry, &[], "").await.expect(200);
        assert_eq!(retried.body()["status"], "queued");
        let fresh = [("consistency-token", retried.token())];
        let history = client
            .get_with(&format!("{path}/events"), &fresh)
            .await
            .expect(200);
        let items = history.body()["items"].as_array().expect("items").clone();
        let names: Vec<_> = items.iter().map(|event| event["type"].clone()).collect();
        assert_eq!(
            names,
            ["task.created.v1", "task.cancelled.v1", "task.requeued.v1"]
        );
        assert_eq!(items[1]["data"]["reason"], "not needed");
        assert_eq!(items[0]["specversion"], "1.0");
    });
}

#[test]
fn a_task_out_of_bounds_names_its_field() {
    on_world(|world| async move {
        let client = world.operator().await;
        for (body, pointer) in [
            (json!({"kind": ""}), "/kind"),
            (
                json!({"kind": "echo", "max_attempts": 101}),
                "/max_attempts",
            ),
            (json!({"kind": "echo", "timeout_ms": 0}), "/timeout_ms"),
        ] {
            let problem = client.post("/tasks", body).await.problem(Code::InvalidBody);
            assert_eq!(problem.errors[0].pointer, pointer);
        }
        let later = json!({"kind": "echo", "not_before": "2999-01-01T00:00:00Z"});
        let made = client.post("/tasks", later).await.expect(201).body();
        assert_eq!(made["status"], "scheduled");
        assert_eq!(made["due_at"], "2999-01-01T00:00:00.000Z");
    });
}
