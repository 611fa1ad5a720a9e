//! Jobs as clients ask for them.
//!
//! Invariant: what a job will do is shown before it does it.

use axum::http::Method;
use schemas::api::Code;
use serde_json::{Value, json};

use crate::world::on_world;

fn nightly(name: &str) -> Value {
    json!({"name": name, "enabled": false,
        "schedule": {"type": "cron", "expression": "0 2 * * *", "timezone": "UTC"},
        "task": {"kind": "echo", "payload": {"from": name}}})
}

#[test]
fn a_job_lives_and_ends() {
    on_world(|world| async move {
        let client = world.operator().await;
        let made = client.post("/jobs", nightly("backup")).await.expect(201);
        assert_eq!(made.body()["status"], "paused");
        let path = format!("/jobs/{}", made.id());
        let resumed = client
            .send(Method::POST, &format!("{path}/resume"), &[], "")
            .await;
        assert_eq!(resumed.expect(200).body()["status"], "active");
        let why = json!({"note": "holidays"});
        let paused = client
            .post(&format!("{path}/pause"), why)
            .await
            .expect(200)
            .body();
        assert_eq!(
            (&paused["status"], &paused["note"]),
            (&json!("paused"), &json!("holidays"))
        );
        let changes = json!({"schedule": {"type": "interval", "every_ms": 60_000}});
        let patched = client
            .json(Method::PATCH, &path, &[], &changes)
            .await
            .expect(200);
        assert_eq!(patched.body()["schedule"]["every_ms"], 60_000);
        let put = client
            .json(Method::PUT, &path, &[], &nightly("backup 2"))
            .await
            .expect(200);
        assert_eq!(put.body()["name"], "backup 2");
        let fresh = [("consistency-token", put.token())];
        assert_eq!(
            client.get_with(&path, &fresh).await.expect(200).body(),
            put.body()
        );
        client
            .send(Method::DELETE, &path, &[], "")
            .await
            .expect(204);
        let dead = client
            .send(Method::POST, &format!("{path}/resume"), &[], "")
            .await;
        dead.problem(Code::NotFound);
        let again = client
            .json(Method::PUT, &path, &[], &nightly("back"))
            .await
            .expect(201);
        assert_eq!(again.header("etag"), "\"7\"");
    });
}

#[test]
fn a_trigger_makes_a_task_of_the_template() {
    on_world(|world| async move {
        let client = world.operator().await;
        let job = client.post("/jobs", nightly("triggered")).await.expect(201);
        let path = format!("/jobs/{}", job.id());
        let (runs, fresh) = (format!("{path}/runs"), [("consistency-token", job.token())]);
        let none = client.get_with(&runs, &fresh).await.expect(200);
        assert_eq!(none.body()["items"], json!([]));
        let trigger = format!("{path}/trigger");
        let key = [("idempotency-key", "now")];
        let task = client
            .json(Method::POST, &trigger, &key, &json!({}))
            .await
            .expect(201);
        assert_eq!(task.body()["payload"], json!({"from": "triggered"}));
        assert_eq!(task.body()["job_id"], job.body()["id"]);
        let again = client
            .json(Method::POST, &trigger, &key, &json!({}))
            .await
            .expect(201);
        assert_eq!(again.id(), task.id());
        let fresh = [("consistency-token", task.token())];
        let runs = client
            .get_with(&format!("{path}/runs"), &fresh)
            .await
            .expect(200)
            .body();
        assert_eq!(runs["items"].as_array().expect("items").len(), 1);
        assert_eq!(runs["items"][0]["id"], task.body()["id"]);
        let unknown = format!("/jobs/{}", world.services.commands.ids().next());
        client
            .get(&format!("{unknown}/runs"))
            .await
            .problem(Code::NotFound);
        let unknown = format!("{unknown}/trigger");
        client
            .post(&unknown, json!({}))
            .await
            .problem(Code::NotFound);
    });
}

#[test]
fn a_schedule_is_previewed_and_a_wrong_one_is_named() {
    on_world(|world| async move {
        let client = world.operator().await;
        let preview = json!({"schedule": {"type": "cron", "expression": "0 2 * * *",
            "timezone": "Europe/Berlin"}, "from": "2026-03-28T12:00:00Z", "count": 2});
        let slots = client
            .post("/jobs/preview", preview)
            .await
            .expect(200)
            .body();
        let expected = json!([{"at": "2026-03-29T01:00:00.000Z"},
            {"at": "2026-03-30T00:00:00.000Z"}]);
        assert_eq!(slots["slots"], expected);
        for (schedule, pointer) in [
            (
                json!({"type": "cron", "expression": "61 * * * *"}),
                "/schedule/expression",
            ),
            (
                json!({"type": "cron", "expression": "0 0 30 2 *"}),
                "/schedule/expression",
            ),
            (
                json!({"type": "cron", "expression": "* * * * *", "timezone": "Mars/Base"}),
                "/schedule/timezone",
            ),
            (
                json!({"type": "interval", "every_ms": 1}),
                "/schedule/every_ms",
            ),
        ] {
            let problem = client
                .post("/jobs/preview", json!({"schedule": schedule}))
                .await;
            assert_eq!(
                problem.problem(Code::InvalidBody).errors[0].pointer,
                pointer
            );
            let mut job = nightly("wrong");
            job["schedule"] = schedule;
            let problem = client.post("/jobs", job).await;
            assert_eq!(
                problem.problem(Code::InvalidBody).errors[0].pointer,
                pointer
            );
        }
        let mut job = nightly("wrong");
        job["task"]["max_attempts"] = json!(0);
        let problem = client.post("/jobs", job).await.problem(Code::InvalidBody);
        assert_eq!(problem.errors[0].pointer, "/task/max_attempts");
    });
}
