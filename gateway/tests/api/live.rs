//! The live stream.
//!
//! Invariant: whoever resumes hears what they missed, once, and rows are readable when their event
//! is heard.

use std::time::Duration;

use axum::{body::BodyDataStream, http::Method};
use domain::user::Role;
use futures::StreamExt as _;
use schemas::api::Code;
use serde_json::{Value, json};

use crate::{
    asyncapi,
    world::{Client, World, on_world},
};

/// Longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(20);

struct Stream {
    body: BodyDataStream,
    text: String,
}

#[derive(Debug)]
struct Message {
    event: String,
    id: Option<u64>,
    data: Value,
}

impl Stream {
    async fn open(client: &Client, headers: &[(&str, &str)], query: &str) -> Self {
        let path = format!("/stream{query}");
        let packs = [headers, &[("accept-encoding", "br, gzip")]].concat();
        let response = client.open(Method::GET, &path, &packs, "").await;
        assert_eq!(response.status(), 200);
        let headers = response.headers();
        assert_eq!(headers["content-type"], "text/event-stream");
        assert_eq!(headers["cache-control"], "no-cache, no-transform");
        assert_eq!(headers["x-accel-buffering"], "no");
        assert!(!headers.contains_key("content-encoding"));
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    async fn next(&mut self) -> Message {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let message: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| {
                    let line = message.lines().find_map(|line| line.strip_prefix(name));
                    line.map(|value| value.trim().to_owned())
                };
                let found = field("data:").map(|data| Message {
                    event: field("event:").unwrap_or_default(),
                    id: field("id:").and_then(|id| id.parse().ok()),
                    data: serde_json::from_str(&data).expect("JSON"),
                });
                if let Some(message) = found {
                    asyncapi::fits("stream", &message.event, &message.data);
                    return message;
                }
                continue;
            }
            let chunk = tokio::time::timeout(DEADLINE, self.body.next()).await;
            let chunk = chunk.expect("in time").expect("not ended").expect("whole");
            self.text
                .push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }

    /// The next commit on the object `id`.
    async fn commit_on(&mut self, id: &str) -> Message {
        loop {
            let message = self.next().await;
            assert_eq!(message.event, "commit", "{message:?}");
            if message.data["id"] == id {
                assert_eq!(message.id, message.data["position"].as_u64());
                return message;
            }
        }
    }
}

#[test]
fn events_are_heard_when_their_rows_can_be_read() {
    on_world(|world| async move {
        let client = world.operator().await;
        let mut stream = Stream::open(&client, &[], "").await;
        let hello = stream.next().await;
        assert_eq!(hello.event, "hello");
        assert_eq!(hello.data["position"].as_u64(), hello.id);
        for _ in 0..5 {
            let (id, made) = client.make_task("live").await;
            let heard = stream.commit_on(&id).await;
            assert_eq!(heard.data["version"], 1);
            assert_eq!(heard.data["events"][0]["type"], "task.created.v1");
            let shown = client.get(&format!("/tasks/{id}")).await.expect(200);
            assert_eq!(shown.body(), made.body());
        }
    });
}

#[test]
fn a_stream_that_resumes_misses_nothing_and_repeats_nothing() {
    on_world(|world| async move {
        let client = world.operator().await;
        let mut stream = Stream::open(&client, &[], "").await;
        stream.next().await;
        let (first, _) = client.make_task("resumed").await;
        let seen = stream
            .commit_on(&first)
            .await
            .id
            .expect("an id")
            .to_string();
        drop(stream);
        let mut missed = Vec::new();
        for _ in 0..3 {
            missed.push(client.make_task("resumed").await.0);
        }
        let header = [("last-event-id", seen.as_str())];
        let query = format!("?after={seen}");
        for (headers, query) in [(&header[..], ""), (&[][..], query.as_str())] {
            let mut resumed = Stream::open(&client, headers, query).await;
            let hello = resumed.next().await;
            assert_eq!((hello.event.as_str(), hello.id), ("hello", None));
            let (live, _) = client.make_task("resumed").await;
            let mut last = seen.parse::<u64>().expect("a position");
            let mut heard = Vec::new();
            while heard.last() != Some(&live) {
                let message = resumed.next().await;
                let position = message.id.expect("an id");
                assert!(position > last, "each once, in order");
                last = position;
                if message.data["events"][0]["data"]["kind"] == "resumed" {
                    heard.push(message.data["id"].as_str().expect("an id").to_owned());
                }
            }
            assert!(missed.iter().all(|id| heard.contains(id)));
            assert!(!heard.contains(&first));
        }
    });
}

#[test]
fn a_position_that_never_was_is_reset() {
    on_world(|world| async move {
        let client = world.operator().await;
        let mut stream = Stream::open(&client, &[], "?after=999999999").await;
        assert_eq!(stream.next().await.event, "hello");
        let reset = stream.next().await;
        assert_eq!(reset.event, "reset");
        assert_eq!(reset.data["position"].as_u64(), reset.id);
        let (id, _) = client.make_task("after-reset").await;
        stream.commit_on(&id).await;
    });
}

#[test]
fn who_registers_is_heard_by_administrators_only() {
    on_world(|world| async move {
        let (admin, viewer) = (
            world.signed_in(Role::Admin).await,
            world.signed_in(Role::Viewer).await,
        );
        let (mut told, mut not_told) = (
            Stream::open(&admin, &[], "").await,
            Stream::open(&viewer, &[], "").await,
        );
        told.next().await;
        not_told.next().await;
        let dora = json!({"email": "dora@example.org", "password": "a good one", "name": "Dora"});
        let dora = world
            .stranger()
            .post("/auth/register", dora)
            .await
            .expect(201);
        let dora = dora.body()["user"]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        told.commit_on(&dora).await;
        let (task, _) = world.operator().await.make_task("after-dora").await;
        loop {
            let message = not_told.next().await;
            assert_ne!(message.data["kind"], "user");
            if message.data["id"] == task.as_str() {
                break;
            }
        }
    });
}

#[test]
fn a_stream_ends_with_its_token() {
    on_world(|world| async move {
        world
            .stranger()
            .get("/stream")
            .await
            .problem(Code::AuthenticationRequired);
        let (client, clock) = almost_expired(world).await;
        let mut stream = Stream::open(&client, &[], "").await;
        assert_eq!(stream.next().await.event, "hello");
        let ended = tokio::time::timeout(DEADLINE, async {
            while let Some(chunk) = stream.body.next().await {
                chunk.expect("whole");
            }
        });
        ended.await.expect("the stream ends");
        drop(clock);
    });
}

/// Somebody whose token ends in a second, by the clock of the gateway they ask.
async fn almost_expired(world: &World) -> (Client, runtime::Clock) {
    let now = world.services.commands.clock().now();
    let clock = runtime::Clock::manual(now);
    let log = std::sync::Arc::new(world.log.clone());
    let ids = runtime::Ids::new(clock.clone());
    let commands = commands::Commands::new(log, clock.clone(), ids);
    let vault = world.vault.clone();
    let identity = commands::Identity::open(commands.clone(), vault)
        .await
        .expect("opens");
    let user = domain::UserId::new(commands.ids().next());
    let tenant = commands::DEFAULT_TENANT;
    let tokens = identity
        .start_session(tenant, user, Role::Viewer)
        .await
        .expect("a session");
    let life_ms = i64::try_from(tokens.expires_in_s * 1_000).expect("fits");
    clock.set(now.plus_ms(life_ms - 1_000));
    let mut services = world.services.clone();
    services.commands = commands;
    services.identity = identity;
    let client = Client {
        router: gateway::router(services),
        bearer: None,
    };
    let token = secrecy::ExposeSecret::expose_secret(&tokens.access).to_owned();
    (client.with_bearer(&token), clock)
}
