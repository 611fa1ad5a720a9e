//! What attempts say, read and followed.
//!
//! Invariant: what is said is said by a worker's own user of the server, as workers do.

use std::time::Duration;

use axum::{
    body::BodyDataStream,
    http::{Method, StatusCode},
};
use commands::DEFAULT_TENANT;
use domain::{LogLevel, TaskId, TenantId, Timestamp};
use futures::StreamExt as _;
use schemas::{
    TaskLogBatch, TaskLogEntry,
    api::{Code, TaskProgress},
};
use serde_json::Value;

use crate::world::{Client, World, on_world};

/// Longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(20);

async fn say(world: &World, task: &str, lines: &[(LogLevel, &str)], done: Option<u64>) {
    say_as(world, DEFAULT_TENANT, task, lines, done).await;
}

async fn say_as(
    world: &World,
    tenant: TenantId,
    task: &str,
    lines: &[(LogLevel, &str)],
    done: Option<u64>,
) {
    let at = Timestamp::from_unix_ms(1_800_000_000_000);
    let batch = TaskLogBatch {
        attempt: 1,
        lines: lines
            .iter()
            .map(|(level, text)| TaskLogEntry {
                at,
                level: *level,
                text: (*text).to_owned(),
            })
            .collect(),
        progress: done.map(|done| TaskProgress {
            at,
            attempt: 1,
            done,
            total: Some(10),
            note: None,
        }),
    };
    let payload = serde_json::to_vec(&batch).expect("encodes");
    let task: TaskId = task.parse().expect("an id");
    let logs = world.worker_logs().await;
    let said = logs.append(tenant, task, payload).await;
    said.expect("stored");
}

fn texts(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("items");
    let texts = items.iter().map(|item| item["text"].as_str());
    texts.map(|text| text.expect("a text")).collect()
}

/// A task that can be read.
async fn task(client: &Client) -> String {
    let (id, made) = client.make_task("said").await;
    let fresh = [("consistency-token", made.token())];
    let path = format!("/tasks/{id}");
    client.get_with(&path, &fresh).await.expect(200);
    id
}

#[test]
fn lines_are_read_page_by_page_and_by_level_and_text() {
    on_world(|world| async move {
        let client = world.operator().await;
        let id = task(&client).await;
        let path = format!("/tasks/{id}/logs");
        let none = client.get(&path).await.expect(200).body();
        assert_eq!(
            (texts(&none).len(), &none["page"]["has_more"]),
            (0, &false.into())
        );
        let (info, warn) = (LogLevel::Info, LogLevel::Warn);
        say(
            world,
            &id,
            &[(info, "one"), (warn, "Disk full"), (info, "three")],
            Some(3),
        )
        .await;
        say(
            world,
            &id,
            &[(LogLevel::Debug, "four"), (LogLevel::Error, "disk gone")],
            Some(4),
        )
        .await;
        let mut seen = Vec::new();
        let mut next = format!("{path}?limit=2");
        loop {
            let page = client.get(&next).await.expect(200).body();
            seen.extend(texts(&page).into_iter().map(str::to_owned));
            let Some(cursor) = page["page"]["next"].as_str() else {
                break;
            };
            next = format!("{path}?limit=2&cursor={cursor}");
        }
        assert_eq!(seen, ["one", "Disk full", "three", "four", "disk gone"]);
        for (query, expected) in [
            ("level=warn", vec!["Disk full", "disk gone"]),
            ("q=DISK", vec!["Disk full", "disk gone"]),
            ("q=disk&level=error", vec!["disk gone"]),
            ("attempt=2", vec![]),
        ] {
            let found = client.get(&format!("{path}?{query}")).await.expect(200);
            assert_eq!(texts(&found.body()), expected, "{query}");
        }
        let all = client.get(&path).await.expect(200).body();
        let third = all["items"][2]["id"].as_str().expect("an id");
        let rest = client
            .get(&format!("{path}?after={third}"))
            .await
            .expect(200);
        assert_eq!(texts(&rest.body()), ["four", "disk gone"]);
        let progress = client
            .get(&format!("/tasks/{id}/progress"))
            .await
            .expect(200);
        assert_eq!(progress.body()["progress"]["done"], 4);
        for wrong in [
            "level=loud",
            "after=x",
            "q=",
            "attempt=x",
            "follow=maybe",
            "colour=red",
        ] {
            let refused = client.get(&format!("{path}?{wrong}")).await;
            refused.problem(Code::InvalidParameter);
        }
    });
}

#[test]
fn the_logs_of_another_tenant_and_of_no_task_do_not_exist() {
    on_world(|world| async move {
        let client = world.operator().await;
        let id = task(&client).await;
        // Said of a task with the same id by somebody else's attempt.
        let other = TenantId::new(world.services.commands.ids().next());
        say_as(world, other, &id, &[(LogLevel::Info, "theirs")], Some(1)).await;
        let page = client.get(&format!("/tasks/{id}/logs")).await.expect(200);
        assert!(texts(&page.body()).is_empty());
        let progress = client
            .get(&format!("/tasks/{id}/progress"))
            .await
            .expect(200);
        assert_eq!(progress.body()["progress"], Value::Null);
        let never = world.services.commands.ids().next();
        for what in ["logs", "logs?follow=true", "progress"] {
            let none = client.get(&format!("/tasks/{never}/{what}")).await;
            none.problem(Code::NotFound);
        }
    });
}

struct Tail {
    body: BodyDataStream,
    text: String,
}

impl Tail {
    async fn open(client: &Client, path: &str, headers: &[(&str, &str)]) -> Self {
        let response = client.open(Method::GET, path, headers, "").await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// The next message: its event, id and data.
    async fn next(&mut self) -> (String, String, Value) {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let message: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| {
                    let line = message.lines().find_map(|line| line.strip_prefix(name));
                    line.map(|value| value.trim().to_owned())
                };
                let Some(data) = field("data:") else { continue };
                let (event, id) = (field("event:"), field("id:"));
                return (
                    event.unwrap_or_default(),
                    id.unwrap_or_default(),
                    serde_json::from_str(&data).expect("JSON"),
                );
            }
            let chunk = tokio::time::timeout(DEADLINE, self.body.next()).await;
            let chunk = chunk.expect("in time").expect("not ended").expect("whole");
            let chunk = std::str::from_utf8(&chunk).expect("text");
            self.text.push_str(chunk);
        }
    }

    /// The next line.
    async fn line(&mut self) -> (String, String) {
        let (event, id, data) = self.next().await;
        assert_eq!(event, "line", "{data}");
        assert_eq!(data["id"], id);
        (id, data["text"].as_str().expect("a text").to_owned())
    }
}

#[test]
fn lines_are_followed_as_they_come_and_resumed_where_a_reader_left() {
    on_world(|world| async move {
        let client = world.operator().await;
        let id = task(&client).await;
        let path = format!("/tasks/{id}/logs");
        let info = LogLevel::Info;
        say(
            world,
            &id,
            &[(info, "one"), (LogLevel::Debug, "aside"), (info, "two")],
            None,
        )
        .await;
        let follow = format!("{path}?follow=true&level=info");
        let mut tail = Tail::open(&client, &follow, &[]).await;
        let (first, text) = tail.line().await;
        assert_eq!(text, "one");
        assert_eq!(tail.line().await.1, "two");
        let begun = std::time::Instant::now();
        say(world, &id, &[(info, "three")], Some(7)).await;
        assert_eq!(tail.line().await.1, "three");
        // Told by a sign, not found by looking every now and then.
        assert!(
            begun.elapsed() < Duration::from_millis(900),
            "{:?}",
            begun.elapsed()
        );
        let (event, _, progress) = tail.next().await;
        assert_eq!((event.as_str(), &progress["done"]), ("progress", &7.into()));
        drop(tail);
        say(world, &id, &[(info, "four")], None).await;
        let asked = [
            ("accept", "text/event-stream"),
            ("last-event-id", first.as_str()),
        ];
        let mut tail = Tail::open(&client, &path, &asked).await;
        for expected in ["aside", "two", "three"] {
            assert_eq!(tail.line().await.1, expected);
        }
    });
}

#[test]
fn the_tail_ends_with_its_task() {
    on_world(|world| async move {
        let client = world.operator().await;
        let id = task(&client).await;
        say(world, &id, &[(LogLevel::Info, "last words")], None).await;
        let follow = format!("/tasks/{id}/logs?follow=true");
        let mut tail = Tail::open(&client, &follow, &[]).await;
        assert_eq!(tail.line().await.1, "last words");
        let cancel = format!("/tasks/{id}/cancel");
        client.send(Method::PUT, &cancel, &[], "").await.expect(200);
        let (event, _, end) = tail.next().await;
        assert_eq!(
            (event.as_str(), &end["reason"]),
            ("end", &"finished".into())
        );
    });
}
