//! Servers that go away and come back.
//!
//! Invariant: what cannot be done is refused with 503 and the advice to come back; everything
//! recovers by itself.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::{Method, StatusCode};
use commands::{Commands, Identity};
use futures::StreamExt as _;
use runtime::{Clock, Ids};
use schemas::{Position, api::Code};
use serde_json::json;

use crate::{
    told::Told,
    world::{Answer, Client, World, on_own_world, on_world},
};

/// Longer than any recovery takes.
const DEADLINE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(100);

/// Asks until the answer has `status`.
async fn until(client: &Client, path: &str, status: StatusCode) -> Answer {
    let began = Instant::now();
    loop {
        let answer = client.get(path).await;
        if answer.status == status {
            return answer;
        }
        assert!(began.elapsed() < DEADLINE, "still {answer:?}");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn until_written(client: &Client) -> Answer {
    let began = Instant::now();
    loop {
        let answer = client.post("/tasks", json!({"kind": "back"})).await;
        if answer.status == StatusCode::CREATED {
            return answer;
        }
        answer.problem(Code::Unavailable);
        assert_eq!(answer.header("retry-after"), "1");
        assert!(began.elapsed() < DEADLINE, "still {answer:?}");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn without_nats(world: &mut World, client: &Client) {
    let (id, made) = client.make_task("before").await;
    let path = format!("/tasks/{id}");
    let fresh = [("consistency-token", made.token())];
    client.get_with(&path, &fresh).await.expect(200);
    world.servers.nats.kill();
    let refused = client.post("/tasks", json!({"kind": "away"})).await;
    refused.problem(Code::Unavailable);
    assert_eq!(refused.header("retry-after"), "1");
    client.get(&path).await.expect(200);
    let unready = until(client, "!/readyz", StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(unready.problem(Code::Unavailable).detail.contains("nats"));
    client.get("!/livez").await.expect(200);
    world.servers.nats.restart().expect("starts again");
    until_written(client).await;
    until(client, "!/readyz", StatusCode::OK).await;
}

async fn without_postgres(world: &mut World, client: &Client) {
    world.servers.postgres.kill();
    let refused = client.get("/tasks").await;
    refused.problem(Code::Unavailable);
    assert_eq!(refused.header("retry-after"), "1");
    let (id, made) = client.make_task("written").await;
    let token = made.token().to_owned();
    let lagging = client
        .get_with("/tasks", &[("consistency-token", &token)])
        .await;
    lagging.problem(Code::ProjectionLagging);
    assert_eq!(lagging.header("retry-after"), "1");
    let unready = client.get("!/readyz?verbose").await;
    assert!(
        unready
            .problem(Code::Unavailable)
            .detail
            .contains("nats: ok")
    );
    world.servers.postgres.restart().expect("starts again");
    let shown = until(client, &format!("/tasks/{id}"), StatusCode::OK).await;
    assert_eq!(shown.body(), made.body());
    until(client, "!/readyz", StatusCode::OK).await;
}

#[test]
fn servers_may_go_and_come_back() {
    on_own_world(|mut world| async move {
        let client = world.operator().await;
        until(&client, "!/readyz", StatusCode::OK).await;
        without_nats(&mut world, &client).await;
        without_postgres(&mut world, &client).await;
        world
    });
}

/// Without news of revocations nobody can know whose token still holds.
#[test]
fn who_cannot_be_known_to_be_signed_in_is_asked_to_come_back() {
    on_own_world(|mut world| async move {
        let client = world.operator().await;
        let stream = client.open(Method::GET, "/stream", &[], "").await;
        world.servers.nats.kill();
        client.get("/tasks").await.expect(200);
        let refused = until(&client, "/tasks", StatusCode::SERVICE_UNAVAILABLE).await;
        refused.problem(Code::Unavailable);
        assert_eq!(refused.header("retry-after"), "1");
        let forged = world.stranger().with_bearer("a.b.c").get("/tasks").await;
        forged.problem(Code::Unavailable);
        let mut body = stream.into_body().into_data_stream();
        let ended = tokio::time::timeout(DEADLINE, async { while body.next().await.is_some() {} });
        ended.await.expect("the stream ends");
        world.servers.nats.restart().expect("starts again");
        until(&client, "/tasks", StatusCode::OK).await;
        world
    });
}

/// The log is put back to an earlier state, and the read models are not.
#[test]
fn a_log_that_has_lost_commits_is_told_from_a_fresh_one() {
    on_world(|world| async move {
        let client = world.operator().await;
        let (_, made) = client.make_task("lost").await;
        let fresh = [("consistency-token", made.token())];
        client.get_with("/tasks", &fresh).await.expect(200);
        let mut services = world.services.clone();
        services.log.head = Arc::new(|| Box::pin(async { Some(Position(1)) }));
        let mut client = client.clone();
        client.router = gateway::router(services);
        let unready = client.get("!/readyz").await.problem(Code::Unavailable);
        let told = "lag: the log ends at position 1, but the read models have reached";
        assert!(unready.detail.contains(told), "{unready:?}");
        let refused = client.get_with("/tasks", &fresh).await;
        assert_eq!(refused.header("retry-after"), "1");
        let problem = refused.problem(Code::Unavailable);
        assert!(problem.detail.starts_with("the log ends at position 1,"));
        client.get("/tasks").await.expect(200);
    });
}

/// The secrets are out of reach from the moment on when the user is stored.
#[test]
fn who_was_registered_is_told_so_whatever_fails_then() {
    on_own_world(|mut world| async move {
        let told = Arc::new(Told::new(&world.log));
        let clock = Clock::system();
        let commands = Commands::new(told.clone(), clock.clone(), Ids::new(clock));
        let identity = Identity::open(commands.clone(), world.vault.clone()).await;
        let mut services = world.services.clone();
        services.identity = identity.expect("an identity");
        services.commands = commands;
        let mut stranger = world.stranger();
        stranger.router = gateway::router(services);
        let ann = json!({"email": "ann@example.org", "password": "a good one"});
        let mut wanted = ann.clone();
        wanted["name"] = json!("Ann");
        let cut_off = async {
            told.stored.notified().await;
            world.servers.nats.kill();
            told.go_on.notify_one();
        };
        let (answer, ()) = tokio::join!(stranger.post("/auth/register", wanted), cut_off);
        let detail = answer.problem(Code::Unavailable).detail;
        assert!(detail.starts_with("You are registered"), "{detail}");
        world.servers.nats.restart().expect("starts again");
        let began = Instant::now();
        while stranger.post("/auth/login", ann.clone()).await.status != StatusCode::OK {
            assert!(began.elapsed() < DEADLINE, "no sign-in");
            tokio::time::sleep(PAUSE).await;
        }
        world
    });
}
