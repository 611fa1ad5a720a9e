//! Workers outside of Almanac: they take attempts, speak of them and end them over HTTP.
//!
//! Invariant: each test has kinds of its own, so none takes what another is to make.

use std::time::{Duration, Instant};

use axum::http::Method;
use commands::DEFAULT_TENANT;
use domain::{TenantId, task::Priority, user::Role};
use schemas::api::Code;
use serde_json::{Value, json};

use crate::world::{Client, World, on_world};

fn ask(worker: &str, kinds: &[&str], wait_s: u64) -> Value {
    json!({"worker": worker, "kinds": kinds, "max": 20, "wait_s": wait_s})
}

async fn lease(client: &Client, asked: Value) -> Vec<Value> {
    let answer = client.post("/workers/lease", asked).await.expect(200);
    answer.body()["items"].as_array().expect("items").clone()
}

/// A task of `kind` that is waiting for somebody outside.
async fn waiting(world: &World, client: &Client, kind: &str, priority: Priority) -> String {
    let wanted = json!({"kind": kind, "payload": {"n": 1}, "priority": priority.name()});
    let id = client.post("/tasks", wanted).await.expect(201).id();
    world.hand_out(DEFAULT_TENANT, &id, kind, priority).await;
    id
}

fn path(leased: &Value, what: &str) -> String {
    let token = leased["token"].as_str().expect("a token");
    format!("/workers/attempts/{token}/{what}")
}

#[test]
fn an_attempt_is_taken_spoken_of_and_done() {
    on_world(|world| async move {
        let client = world.operator().await;
        let id = waiting(world, &client, "out.done", Priority::Normal).await;
        let leased = lease(&client, ask("w", &["out.done", "out.other"], 20)).await;
        let [leased] = leased.as_slice() else {
            panic!("{leased:?}");
        };
        assert_eq!(
            (&leased["task_id"], &leased["attempt"]),
            (&json!(id), &json!(1))
        );
        assert_eq!(
            (&leased["kind"], &leased["payload"]),
            (&json!("out.done"), &json!({"n": 1}))
        );
        // It is one worker's and nobody else's.
        assert!(
            lease(&client, ask("other", &["out.done"], 0))
                .await
                .is_empty()
        );
        let beat = client.post(&path(leased, "heartbeat"), json!({})).await;
        assert_eq!(beat.expect(200).body(), json!({"stop": false}));
        let said = json!({"lines": [{"text": "half"}, {"level": "warn", "text": "done"}],
            "progress": {"done": 1, "total": 2}});
        let logs = path(leased, "logs");
        client.post(&logs, said).await.expect(204);
        let more = json!({"lines": [{"text": "more"}]});
        client.post(&logs, more).await.expect(204);
        let complete = path(leased, "complete");
        let output = json!({"output": {"sum": 3}});
        let done = client.post(&complete, output.clone()).await.expect(200);
        assert_eq!(
            (&done.body()["status"], &done.body()["output"]["sum"]),
            (&json!("succeeded"), &json!(3))
        );
        // Said twice, since the first answer may be lost; said otherwise, it is too late.
        client.post(&complete, output).await.expect(200);
        let failed = client
            .post(&path(leased, "fail"), json!({"code": "x"}))
            .await;
        failed.problem(Code::InvalidState);
        let late = client
            .post(&logs, json!({"lines": [{"text": "late"}]}))
            .await;
        late.problem(Code::InvalidState);
        let beat = client.post(&path(leased, "heartbeat"), json!({})).await;
        assert_eq!(
            beat.expect(200).body(),
            json!({"stop": true, "reason": "lost"})
        );
        let fresh = [("consistency-token", done.token())];
        let read = client.get_with(&format!("/tasks/{id}/logs"), &fresh).await;
        let texts: Vec<_> = read.expect(200).body()["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|line| line["text"].clone())
            .collect();
        assert_eq!(texts, ["half", "done", "more"]);
        let progress = client
            .get(&format!("/tasks/{id}/progress"))
            .await
            .expect(200);
        assert_eq!(progress.body()["progress"]["total"], 2);
    });
}

#[test]
fn who_waits_hears_at_once_and_the_most_urgent_comes_first() {
    on_world(|world| async move {
        let client = world.operator().await;
        let early = client.clone();
        let waits = tokio::spawn(async move {
            let leased = lease(&early, ask("w", &["out.wait"], 20)).await;
            (leased, Instant::now())
        });
        // It is seen that it is there, and so has begun to wait.
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let workers = client.get("/workers").await.expect(200).body();
            let mut kinds = workers["items"].as_array().expect("items").iter();
            if kinds.any(|one| one["kinds"] == json!(["out.wait"])) {
                break;
            }
            assert!(Instant::now() < deadline, "{workers}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let id = waiting(world, &client, "out.wait", Priority::Low).await;
        let pushed = Instant::now();
        let (leased, heard) = waits.await.expect("no panic");
        assert_eq!(leased[0]["task_id"], json!(id));
        let took = heard.saturating_duration_since(pushed);
        assert!(
            took < Duration::from_millis(900),
            "not told by a sign: {took:?}"
        );
        let mut ids = Vec::new();
        for priority in [Priority::Low, Priority::Critical, Priority::Normal] {
            ids.push(waiting(world, &client, "out.wait", priority).await);
        }
        let leased = lease(&client, ask("w", &["out.wait"], 0)).await;
        let order = leased.iter().filter_map(|one| one["task_id"].as_str());
        let expected = [&ids[1], &ids[2], &ids[0]];
        assert!(order.eq(expected), "{leased:?}");
    });
}

#[test]
fn who_is_cancelled_is_told_to_stop_and_who_fails_is_tried_again() {
    on_world(|world| async move {
        let client = world.operator().await;
        let id = waiting(world, &client, "out.stop", Priority::Normal).await;
        let leased = lease(&client, ask("w", &["out.stop"], 20)).await.remove(0);
        let cancel = format!("/tasks/{id}/cancel");
        client.send(Method::PUT, &cancel, &[], "").await.expect(200);
        let beat = client.post(&path(&leased, "heartbeat"), json!({})).await;
        assert_eq!(
            beat.expect(200).body(),
            json!({"stop": true, "reason": "cancelled"})
        );
        let stopped = json!({"code": "stopped", "message": "as I was told"});
        let stopped = client
            .post(&path(&leased, "fail"), stopped)
            .await
            .expect(200);
        assert_eq!(stopped.body()["status"], "cancelled");

        waiting(world, &client, "out.stop", Priority::Normal).await;
        let leased = lease(&client, ask("w", &["out.stop"], 20)).await.remove(0);
        let again = json!({"code": "busy", "retry_after_ms": 60_000});
        let again = client.post(&path(&leased, "fail"), again).await.expect(200);
        assert_eq!(again.body()["status"], "retrying");
        waiting(world, &client, "out.stop", Priority::Normal).await;
        let leased = lease(&client, ask("w", &["out.stop"], 20)).await.remove(0);
        let never = json!({"code": "broken", "retryable": false});
        let never = client.post(&path(&leased, "fail"), never).await.expect(200);
        assert_eq!(
            (&never.body()["status"], &never.body()["error"]["code"]),
            (&json!("failed"), &json!("broken"))
        );
    });
}

#[test]
fn a_token_is_good_for_its_tenant_and_attempt_and_is_not_made_up() {
    on_world(|world| async move {
        let client = world.operator().await;
        waiting(world, &client, "out.token", Priority::Normal).await;
        let leased = lease(&client, ask("w", &["out.token"], 20)).await.remove(0);
        let token = leased["token"].as_str().expect("a token");
        let stranger = TenantId::new(world.services.commands.ids().next());
        let user = domain::UserId::new(world.services.commands.ids().next());
        let session = world
            .services
            .identity
            .start_session(stranger, user, Role::Admin)
            .await;
        let session = session.expect("a session");
        let stranger = world
            .stranger()
            .with_bearer(secrecy::ExposeSecret::expose_secret(&session.access));
        // Another character anywhere makes it nobody's.
        let mut forged: Vec<String> = (0..token.len())
            .step_by(7)
            .map(|at| {
                let other = if &token[at..=at] == "A" { "B" } else { "A" };
                format!("{}{other}{}", &token[..at], &token[at + 1..])
            })
            .collect();
        forged.extend([
            String::from("x"),
            token[1..].to_owned(),
            format!("{token}A"),
        ]);
        for what in ["heartbeat", "complete", "fail", "logs"] {
            let body = if what == "fail" {
                json!({"code": "x"})
            } else {
                json!({})
            };
            let theirs = stranger.post(&path(&leased, what), body.clone()).await;
            theirs.problem(Code::NotFound);
            for forged in &forged {
                let at = format!("/workers/attempts/{forged}/{what}");
                client.post(&at, body.clone()).await.problem(Code::NotFound);
            }
        }
        assert!(
            lease(&stranger, ask("w", &["out.token"], 0))
                .await
                .is_empty()
        );
        let beat = client.post(&path(&leased, "heartbeat"), json!({})).await;
        assert_eq!(beat.expect(200).body()["stop"], false);
    });
}

#[test]
fn what_cannot_be_leased_is_named() {
    on_world(|world| async move {
        let client = world.operator().await;
        for (asked, pointer) in [
            (ask("", &["x"], 0), "/worker"),
            (ask("a b", &["x"], 0), "/worker"),
            (ask("w", &[], 0), "/kinds"),
            (ask("w", &["x", "http"], 0), "/kinds/1"),
            (ask("w", &["x y"], 0), "/kinds/0"),
            (ask("w", &["x"], 21), "/wait_s"),
            (json!({"worker": "w", "kinds": ["x"], "max": 0}), "/max"),
        ] {
            let refused = client.post("/workers/lease", asked).await;
            assert_eq!(
                refused.problem(Code::InvalidBody).errors[0].pointer,
                pointer
            );
        }
        let viewer = world.signed_in(Role::Viewer).await;
        let refused = viewer.post("/workers/lease", ask("w", &["x"], 0)).await;
        refused.problem(Code::Forbidden);
        viewer.get("/workers").await.problem(Code::Forbidden);
    });
}

#[test]
fn who_is_at_something_is_listed_with_it() {
    on_world(|world| async move {
        let client = world.operator().await;
        let id = waiting(world, &client, "out.list", Priority::Normal).await;
        lease(&client, ask("lister", &["out.list"], 20)).await;
        let workers = client.get("/workers").await.expect(200).body();
        let mut items = workers["items"].as_array().expect("items").iter();
        let worker = items.find(|one| one["name"] == "lister").expect("listed");
        assert_eq!(
            (&worker["external"], &worker["busy"]),
            (&json!(true), &json!(1))
        );
        assert_eq!(worker["running"], json!([{"task_id": id, "attempt": 1}]));
    });
}
