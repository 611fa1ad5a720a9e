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

#[test]
fn a_task_waits_for_tasks_that_exist_and_no_others() {
    on_world(|world| async move {
        let client = world.operator().await;
        let (first, _) = client.make_task("echo").await;
        let after = json!([{"task": first}, {"task": uuid::Uuid::from_u128(7), "when": "ended"}]);
        let wanted = json!({"kind": "echo", "after": after});
        let problem = client.post("/tasks", wanted).await;
        let problem = problem.problem(Code::InvalidBody);
        assert_eq!(problem.errors[0].pointer, "/after/1/task");
        let twice = json!([{"task": first}, {"task": first, "when": "ended"}]);
        let wanted = json!({"kind": "echo", "after": twice});
        let problem = client.post("/tasks", wanted).await;
        let problem = problem.problem(Code::InvalidBody);
        assert_eq!(problem.errors[0].pointer, "/after");
        let wanted = json!({"kind": "echo", "after": [{"task": first}]});
        let made = client.post("/tasks", wanted).await.expect(201).body();
        assert_eq!(made["status"], "scheduled");
        assert_eq!(
            (&made["held"], &made["due_at"]),
            (&json!(true), &json!(null))
        );
        assert_eq!(made["after"], json!([{"task": first, "when": "succeeded"}]));
    });
}

#[test]
fn an_open_task_keeps_its_uniqueness_key() {
    on_world(|world| async move {
        let client = world.operator().await;
        let key = format!("key {}", world.services.commands.ids().next());
        let wanted = json!({"kind": "echo", "unique_key": key});
        let made = client.post("/tasks", wanted.clone()).await.expect(201);
        let id = made.body()["id"].as_str().expect("an id").to_owned();
        let refused = client.post("/tasks", wanted.clone()).await;
        let problem = refused.problem(Code::UniqueKeyTaken);
        assert!(problem.detail.contains(&id), "{}", problem.detail);
        let cancel = format!("/tasks/{id}/cancel");
        client.send(Method::PUT, &cancel, &[], "").await.expect(200);
        client.post("/tasks", wanted).await.expect(201);
        let retry = format!("/tasks/{id}/retry");
        let refused = client.send(Method::POST, &retry, &[], "").await;
        refused.problem(Code::UniqueKeyTaken);
    });
}

#[test]
fn a_task_is_run_again_with_the_same_input_or_another() {
    on_world(|world| async move {
        let client = world.operator().await;
        let wanted = json!({"kind": "echo", "payload": {"n": 1}, "max_attempts": 7});
        let first = client.post("/tasks", wanted).await.expect(201).body();
        let id = first["id"].as_str().expect("an id").to_owned();
        let path = format!("/tasks/{id}/run-again");
        let same = client.send(Method::POST, &path, &[], "").await.expect(201);
        let same = same.body();
        assert_ne!(same["id"], first["id"]);
        assert_eq!(same["again_of"], first["id"]);
        assert_eq!(same["payload"], first["payload"]);
        assert_eq!(same["max_attempts"], 7);
        let other = json!({"payload": {"n": 2}});
        let other = client.post(&path, other).await.expect(201).body();
        assert_eq!(other["payload"], json!({"n": 2}));
        let nobody = format!("/tasks/{}/run-again", uuid::Uuid::from_u128(7));
        let nobody = client.send(Method::POST, &nobody, &[], "").await;
        nobody.problem(Code::NotFound);
    });
}

#[test]
fn a_batch_is_made_once_as_a_whole_and_listed() {
    on_world(|world| async move {
        let client = world.operator().await;
        let tasks: Vec<_> = (0..1_000)
            .map(|n| json!({"kind": "echo", "payload": {"n": n, "text": "x".repeat(250)}}))
            .collect();
        let wanted = json!({ "tasks": tasks });
        let key = world.services.commands.ids().next().to_string();
        let keyed = [("idempotency-key", key.as_str())];
        let made = client
            .json(Method::POST, "/tasks/batch", &keyed, &wanted)
            .await
            .expect(201);
        let again = client
            .json(Method::POST, "/tasks/batch", &keyed, &wanted)
            .await
            .expect(201);
        assert_eq!(again.body(), made.body());
        assert_eq!(again.header("idempotent-replayed"), "true");
        let ids = made.body()["ids"].as_array().expect("ids").len();
        assert_eq!(ids, 1_000);
        let batch = made.body()["batch"].as_str().expect("an id").to_owned();
        let fresh = [("consistency-token", made.token())];
        let path = format!("/tasks?batch={batch}&limit=200");
        let listed = client.get_with(&path, &fresh).await.expect(200).body();
        assert_eq!(listed["items"].as_array().expect("items").len(), 200);
        let first = &listed["items"][0];
        assert_eq!(first["batch"], made.body()["batch"]);
    });
}

#[test]
fn a_batch_with_a_fault_makes_nothing_and_names_its_place() {
    on_world(|world| async move {
        let client = world.operator().await;
        let refused = async |tasks: serde_json::Value, pointer: &str| {
            let refused = client.post("/tasks/batch", json!({ "tasks": tasks })).await;
            let problem = refused.problem(Code::InvalidBody);
            assert_eq!(problem.errors[0].pointer, pointer);
        };
        let good = json!({"kind": "echo"});
        refused(json!([]), "/tasks").await;
        refused(json!([good, {"kind": "a b"}]), "/tasks/1/kind").await;
        let unique = json!({"kind": "echo", "unique_key": "one"});
        refused(json!([good, unique]), "/tasks/1/unique_key").await;
        let after = json!([{"task": uuid::Uuid::from_u128(7)}]);
        let after = json!({"kind": "echo", "after": after});
        refused(json!([good, after]), "/tasks/1/after/0/task").await;
    });
}

#[test]
fn an_operation_on_many_tasks_is_begun_and_can_be_looked_at() {
    on_world(|world| async move {
        let client = world.operator().await;
        let wanted = json!({"kinds": ["no such kind"]});
        let begun = client.post("/tasks/replay", wanted).await.expect(202);
        assert_eq!(
            begun.body()["filter"]["statuses"],
            json!(["dead", "failed"])
        );
        let place = begun.header("location");
        let place = place.strip_prefix("/api/v1").expect("a path");
        let fresh = [("consistency-token", begun.token())];
        let shown = client.get_with(place, &fresh).await.expect(200);
        assert_eq!(shown.body(), begun.body());
        let wrong = json!({"statuses": ["running"]});
        let refused = client.post("/tasks/replay", wrong).await;
        let problem = refused.problem(Code::InvalidBody);
        assert_eq!(problem.errors[0].pointer, "/statuses");
    });
}

#[test]
fn why_a_task_has_not_started_is_said_in_words_and_for_programs() {
    on_world(|world| async move {
        let client = world.operator().await;
        let explained = async |wanted: serde_json::Value| {
            let made = client.post("/tasks", wanted).await.expect(201);
            let id = made.body()["id"].as_str().expect("an id").to_owned();
            let fresh = [("consistency-token", made.token())];
            let path = format!("/tasks/{id}/explain");
            let told = client.get_with(&path, &fresh).await.expect(200).body();
            (id, told)
        };
        let later = json!({"kind": "echo", "not_before": "2999-01-01T00:00:00Z"});
        let (first, told) = explained(later).await;
        assert_eq!(told["waits_for"][0]["code"], "not_before");
        assert_eq!(told["waits_for"][0]["until"], "2999-01-01T00:00:00.000Z");
        assert_eq!(told["chapters"][0]["doing"], "scheduled");
        let (_, told) = explained(json!({"kind": "echo", "after": [{"task": first}]})).await;
        assert_eq!(told["waits_for"][0]["code"], "dependency");
        assert_eq!(told["waits_for"][0]["task"], first);
        explained(json!({"kind": "odd", "priority": "critical"})).await;
        let (id, told) = explained(json!({"kind": "odd", "priority": "low"})).await;
        let reasons = told["waits_for"].as_array().expect("reasons");
        let codes: Vec<_> = reasons.iter().map(|one| one["code"].clone()).collect();
        assert!(codes.contains(&json!("higher_priority")), "{codes:?}");
        assert!(codes.contains(&json!("worker")), "{codes:?}");
        let summary = told["summary"].as_str().expect("words");
        assert!(summary.contains("no worker that does odd"), "{summary}");
        let cancel = format!("/tasks/{id}/cancel");
        client.send(Method::PUT, &cancel, &[], "").await.expect(200);
        let told = client
            .get(&format!("/tasks/{id}/explain"))
            .await
            .expect(200);
        assert_eq!(told.body()["waits_for"], json!([]));
        let ended = told.body()["chapters"].as_array().expect("chapters").len();
        assert_eq!(told.body()["chapters"][ended - 1]["doing"], "cancelled");
    });
}
