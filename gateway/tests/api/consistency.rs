//! Reading what was written, at any gateway, also while the read models stand still.
//!
//! Invariant: with a token an answer holds the write, or it is refused; never is it old.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use schemas::api::Code;
use serde_json::json;

use crate::world::{Answer, Client, on_own_world};

/// What reads of what is in the log ask for.
const LISTS: [&str; 9] = [
    "/api-keys",
    "/jobs",
    "/resource-types",
    "/resources",
    "/settings",
    "/stats",
    "/stream?collection=tasks",
    "/tasks",
    "/tenant",
];

fn paths(id: &str) -> Vec<String> {
    let lists = LISTS.iter().map(ToString::to_string);
    let one = [format!("/tasks/{id}"), format!("/tasks/{id}/events")];
    one.into_iter().chain(lists).collect()
}

/// Everything refuses what it does not hold, and is asked no longer than it may take.
async fn lags(clients: [&Client; 2], id: &str, token: &str) {
    for client in clients {
        for path in paths(id) {
            let fresh = [("consistency-token", token), ("prefer", "wait=0")];
            let refused = client.get_with(&path, &fresh).await;
            refused.problem(Code::ProjectionLagging);
            assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert_eq!(refused.header("retry-after"), "1", "{path}");
        }
        // Who asks for no more than there is, is answered, and told as of where.
        client.get("/tasks").await.expect(200).token();
        let began = Instant::now();
        let fresh = [("consistency-token", token), ("prefer", "wait=2")];
        let refused = client.get_with("/tasks", &fresh).await;
        refused.problem(Code::ProjectionLagging);
        assert!(began.elapsed() >= Duration::from_secs(2), "it did not wait");
    }
}

/// Whatever is read says as of where.
async fn says_where(client: &Client, id: &str, token: &str) {
    let events = client.get(&format!("/tasks/{id}/events")).await;
    let events = events.expect(200).body();
    let written = events["items"][0]["sequence"].as_str().expect("a position");
    let written: u64 = written.parse().expect("a number");
    for path in paths(id) {
        if path.starts_with("/stream") {
            continue;
        }
        let fresh = [("consistency-token", token)];
        let answer: Answer = client.get_with(&path, &fresh).await.expect(200);
        let position = answer.header("consistency-position");
        let position: u64 = position.parse().expect("a number");
        assert!(
            position >= written,
            "{path} is as of {position}, not {written}"
        );
        age_ms(&answer);
    }
}

/// How old the answer may be, as it says.
fn age_ms(answer: &Answer) -> u128 {
    let told = answer.header("consistency-age-ms");
    told.parse().expect("a number")
}

#[test]
fn an_answer_is_never_older_than_it_says() {
    on_own_world(|world| async move {
        let client = world.operator().await;
        let (id, made) = client.make_task("shown").await;
        let path = format!("/tasks/{id}");
        let fresh = [("consistency-token", made.token()), ("prefer", "wait=10")];
        client.get_with(&path, &fresh).await.expect(200);
        // A gateway that has not seen the log long enough to know says nothing.
        let began = Instant::now();
        while !(client.get(&path).await.headers).contains_key("consistency-age-ms") {
            assert!(began.elapsed() < Duration::from_secs(30), "nothing is told");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        world.pause_projector().await;
        client.make_task("unseen").await;
        let acknowledged = Instant::now();
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            for path in [path.as_str(), "/tasks?kind=unseen", "/stats"] {
                let lacks_for = acknowledged.elapsed().as_millis();
                let answer = client.get(path).await.expect(200);
                assert!(age_ms(&answer) >= lacks_for, "{path}: {answer:?}");
            }
        }
        let oldest = age_ms(&client.get("/tasks").await);
        world.start_projector().await;
        let began = Instant::now();
        while age_ms(&client.get("/tasks").await) >= oldest {
            assert!(began.elapsed() < Duration::from_secs(30), "it stays old");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        world
    });
}

#[test]
fn a_token_of_one_gateway_holds_at_another_while_the_projector_stands_still() {
    on_own_world(|world| async move {
        let here = world.operator().await;
        let there = Client {
            router: gateway::router(world.second().await),
            ..here.clone()
        };
        // What was written at one is read at the other, at once.
        for _ in 0..20 {
            let (id, made) = here.make_task("everywhere").await;
            let fresh = [("consistency-token", made.token()), ("prefer", "wait=10")];
            let shown = there.get_with(&format!("/tasks/{id}"), &fresh).await;
            assert_eq!(shown.expect(200).body(), made.body());
        }
        world.pause_projector().await;
        let (id, made) = here.make_task("paused").await;
        let token = made.token().to_owned();
        lags([&here, &there], &id, &token).await;
        let patient = [("consistency-token", token.as_str()), ("prefer", "wait=10")];
        let (path, list) = (format!("/tasks/{id}"), "/tasks?kind=paused");
        let asked = async {
            tokio::join!(
                there.get_with(&path, &patient),
                here.get_with(list, &patient),
                there.get_with(list, &patient),
            )
        };
        let resumed = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            world.start_projector().await;
        };
        let ((shown, mine, theirs), ()) = tokio::join!(asked, resumed);
        assert_eq!(shown.expect(200).body(), made.body());
        for page in [mine, theirs] {
            assert_eq!(page.expect(200).body()["items"], json!([made.body()]));
        }
        says_where(&there, &id, &token).await;
        world
    });
}
