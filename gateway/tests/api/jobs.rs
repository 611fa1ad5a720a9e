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
        let expected = json!([
            {"at": "2026-03-29T01:00:00.000Z", "local": "2026-03-29T03:00:00+02:00",
                "oddity": "after_gap"},
            {"at": "2026-03-30T00:00:00.000Z", "local": "2026-03-30T02:00:00+02:00"}]);
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
        job["policy"] = json!({"max_runs": 0});
        let problem = client.post("/jobs", job).await.problem(Code::InvalidBody);
        assert_eq!(problem.errors[0].pointer, "/policy/max_runs");
        let mut job = nightly("wrong");
        job["task"]["max_attempts"] = json!(0);
        let problem = client.post("/jobs", job).await.problem(Code::InvalidBody);
        assert_eq!(problem.errors[0].pointer, "/task/max_attempts");
    });
}

#[test]
fn a_preview_shows_rules_for_clocks_jitter_and_the_end() {
    on_world(|world| async move {
        let client = world.operator().await;
        let preview = json!({"schedule": {"type": "cron", "expression": "30 2 * * *",
            "timezone": "Europe/Berlin", "dst_gap": "skip", "dst_overlap": "both"},
            "from": "2026-10-24T12:00:00Z", "count": 10,
            "policy": {"ends_at": "2026-10-26T01:30:00Z"}});
        let shown = client.post("/jobs/preview", preview).await.expect(200);
        let shown = shown.body()["slots"].clone();
        let seen = |name: &str| {
            let slots = shown.as_array().expect("slots").iter();
            slots.map(|slot| slot[name].clone()).collect::<Vec<_>>()
        };
        let (first, second) = ("2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z");
        let last = "2026-10-26T01:30:00.000Z";
        assert_eq!(seen("at"), [first, second, last]);
        let odd = [
            json!("first_of_overlap"),
            json!("second_of_overlap"),
            json!(null),
        ];
        assert_eq!(seen("oddity"), odd);
        assert_eq!(seen("fires_at"), [json!(null), json!(null), json!(null)]);
        let spread = json!({"schedule": {"type": "interval", "every_ms": 60_000},
            "from": "2026-01-01T00:00:00Z", "count": 100, "policy": {"jitter_ms": 30_000},
            "job_id": "0199a000-0000-7000-8000-000000000002"});
        let shown = client
            .post("/jobs/preview", spread)
            .await
            .expect(200)
            .body();
        for slot in shown["slots"].as_array().expect("slots") {
            let ms = |name: &str| {
                let at: domain::Timestamp =
                    serde_json::from_value(slot[name].clone()).expect("an instant");
                at.unix_ms()
            };
            assert!(
                (0..=30_000).contains(&(ms("fires_at") - ms("at"))),
                "{slot}"
            );
        }
        let wrong = json!({"schedule": {"type": "interval", "every_ms": 60_000},
            "policy": {"jitter_ms": 0}});
        let problem = client.post("/jobs/preview", wrong).await;
        let problem = problem.problem(Code::InvalidBody);
        assert_eq!(problem.errors[0].pointer, "/policy/jitter_ms");
    });
}

#[test]
fn a_policy_is_kept_and_patched_whole() {
    on_world(|world| async move {
        let client = world.operator().await;
        let mut job = nightly("limited");
        job["policy"] = json!({"max_runs": 3, "start_deadline_ms": 60_000});
        let made = client.post("/jobs", job).await.expect(201);
        let policy = json!({"max_runs": 3, "start_deadline_ms": 60_000});
        assert_eq!(made.body()["policy"], policy);
        let path = format!("/jobs/{}", made.id());
        let change = json!({"policy": {"jitter_ms": 1_000}});
        let patched = client.json(Method::PATCH, &path, &[], &change).await;
        let patched = patched.expect(200).body();
        assert_eq!(patched["policy"], json!({"jitter_ms": 1_000}));
        let change = json!({"policy": {"jitter": 1_000}});
        let refused = client.json(Method::PATCH, &path, &[], &change).await;
        let errors = refused.problem(Code::InvalidBody).errors;
        assert_eq!(errors[0].pointer, "/policy/jitter");
    });
}

#[test]
fn every_slot_of_a_period_is_shown_with_what_became_of_it() {
    on_world(|world| async move {
        let client = world.operator().await;
        let job = json!({"name": "each minute", "enabled": false,
            "schedule": {"type": "interval", "every_ms": 60_000}, "task": {"kind": "echo"}});
        let made = client.post("/jobs", job).await.expect(201);
        let created: domain::Timestamp =
            serde_json::from_value(made.body()["created_at"].clone()).expect("an instant");
        let (from, to) = (created.plus_ms(-60_000), created.plus_ms(5 * 60_000));
        let path = format!("/jobs/{}/slots?from={from}&to={to}&limit=2", made.id());
        let fresh = [("consistency-token", made.token())];
        let mut page = client.get_with(&path, &fresh).await.expect(200).body();
        let mut slots = vec![];
        loop {
            slots.extend(page["items"].as_array().expect("items").clone());
            let Some(next) = page["page"]["next"].as_str() else {
                break;
            };
            page = client
                .get(&format!("{path}&cursor={next}"))
                .await
                .expect(200)
                .body();
        }
        let expected: Vec<_> = (1..=5)
            .map(|minute| {
                let ms = created.unix_ms().div_euclid(60_000) + minute;
                let slot = domain::Timestamp::from_unix_ms(ms * 60_000);
                json!({"slot": slot, "due_at": slot, "status": "skipped", "reason": "paused"})
            })
            .collect();
        assert_eq!(slots, expected);
        let unknown = format!("/jobs/{}/slots", world.services.commands.ids().next());
        client.get(&unknown).await.problem(Code::NotFound);
        let wrong = format!("/jobs/{}/slots?from=yesterday", made.id());
        client.get(&wrong).await.problem(Code::InvalidParameter);
    });
}

#[test]
fn how_a_job_does_is_shown_with_what_is_wrong() {
    on_world(|world| async move {
        let client = world.operator().await;
        let job = json!({"name": "each second", "enabled": true,
            "schedule": {"type": "interval", "every_ms": 1_000}, "task": {"kind": "echo"}});
        let made = client.post("/jobs", job).await.expect(201);
        let path = format!("/jobs/{}/health", made.id());
        let fresh = [("consistency-token", made.token())];
        let health = client.get_with(&path, &fresh).await.expect(200).body();
        let expected = json!({"id": made.id(), "alerts": [], "runs": 0, "succeeded": 0,
            "failed": 0, "cancelled": 0, "failures_in_a_row": 0});
        assert_eq!(health, expected);
        let unknown = format!("/jobs/{}/health", world.services.commands.ids().next());
        client.get(&unknown).await.problem(Code::NotFound);
    });
}
