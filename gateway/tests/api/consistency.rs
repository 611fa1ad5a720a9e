//! Reading what was written, at any gateway, also while the read models stand still.
//!
//! Invariant: with a token an answer holds the write, or it is refused; never is it old.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use schemas::api::Code;
use serde_json::{Value, json};

use crate::world::{Answer, Client, World, on_own_world, on_world};

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

/// One of each thing that there is, in order of the paths under which they are shown.
async fn one_of_each(root: &Client) -> Vec<(&'static str, Answer)> {
    let schedule = json!({"type": "once", "at": "2099-01-01T00:00:00Z"});
    let person = json!({"email": "zoe@fresh.example.org", "name": "Zoe", "role": "viewer",
        "password": "a good one"});
    let administrator = json!({"email": "zoe@fresh.example.org", "name": "Zoe",
        "password": "a good one"});
    let task = json!({"kind": "fresh", "payload": {}});
    let mut made = Vec::new();
    for (collection, body) in [
        (
            "api-keys",
            json!({"name": "fresh", "scopes": ["tasks:read"]}),
        ),
        (
            "jobs",
            json!({"name": "fresh", "task": task, "schedule": schedule}),
        ),
        (
            "resource-types",
            json!({"name": "fresh", "schema": {"type": "object"}}),
        ),
        ("resources", json!({"type": "fresh", "name": "fresh"})),
        ("tasks", task.clone()),
        (
            "tenants",
            json!({"slug": "fresh", "name": "Fresh", "administrator": administrator}),
        ),
        ("users", person),
    ] {
        let answer = root.post(&format!("/{collection}"), body).await.expect(201);
        made.push((collection, answer));
    }
    let filter = json!({"kinds": ["unknown"]});
    let operation = root.post("/tasks/cancel", filter).await.expect(202);
    made.push(("system/operations", operation));
    let last = made.last().expect("somebody").1.token();
    let fresh = [("consistency-token", last), ("prefer", "wait=10")];
    root.get_with("/stats", &fresh).await.expect(200);
    made
}

/// Every operation of the document that takes a token, with the names of what else it takes.
async fn consistent(world: &World) -> Vec<(String, Vec<String>, bool)> {
    let document = world.stranger().get("/api/openapi.json").await.expect(200);
    let document = document.body();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let get = &methods["get"];
        let parameters = get["parameters"].as_array().into_iter().flatten();
        let name = |parameter: &Value| parameter["name"].as_str().expect("a name").to_owned();
        let names: Vec<_> = parameters.map(name).collect();
        if names.iter().any(|name| name == "Consistency-Token") {
            found.push((path.clone(), names, get["responses"].get("304").is_some()));
        }
    }
    found
}

/// The position that the answer says it is as of, if it says so whole.
fn as_of(answer: &Answer, path: &str) -> u64 {
    let told = |name: &str| {
        let value = answer
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok());
        value.unwrap_or_else(|| panic!("{path}: no {name}: {answer:?}"))
    };
    assert!(told("consistency-token").len() > 8, "{path}: {answer:?}");
    told("consistency-position").parse().expect("a number")
}

#[test]
fn every_documented_answer_says_as_of_where_it_is() {
    on_world(|world| async move {
        let root = world.platform().await;
        let made = one_of_each(&root).await;
        let (mut answers, mut unchanged) = (0, 0);
        for (route, names, may_be_known) in consistent(world).await {
            // A stream says it with each message, and a file is the same whenever it is read.
            if route == "/api/v1/stream" || route.ends_with("/files/{name}") {
                continue;
            }
            let of = made
                .iter()
                .find(|(name, _)| route.starts_with(&format!("/api/v1/{name}/{{")));
            let path = match of {
                None => route.clone(),
                Some((_, made)) if route.contains("{name}") => {
                    let name = made.body()["name"].as_str().map(str::to_owned);
                    route.replace("{name}", &name.expect("a name"))
                }
                Some((_, made)) => route.replace("{id}", &made.id()),
            };
            assert!(!path.contains('{'), "nothing is made for {route}");
            let answer = root.get(&path).await.expect(200);
            let position = as_of(&answer, &path);
            let has = |name: &str| names.iter().any(|known| known == name);
            let mut queries = vec!["limit=1".to_owned(), "explain=true".to_owned()];
            queries.push(format!("as_of={position}"));
            queries.push(format!("diff={position}..{position}"));
            queries.retain(|query| has(query.split_once('=').expect("a name").0));
            for query in &queries {
                let asked = format!("{path}?{query}");
                as_of(&root.get(&asked).await.expect(200), &asked);
            }
            answers += 1 + queries.len();
            let etag = answer
                .headers
                .get("etag")
                .and_then(|etag| etag.to_str().ok());
            assert!(!may_be_known || etag.is_some(), "{path}: {answer:?}");
            if let Some(etag) = etag.filter(|_| may_be_known) {
                let known = [("if-none-match", etag)];
                let answer = root.get_with(&path, &known).await.expect(304);
                as_of(&answer, &path);
                unchanged += 1;
            }
        }
        assert!(
            answers > 60 && unchanged >= 6,
            "{answers}, {unchanged} unchanged"
        );
    });
}
