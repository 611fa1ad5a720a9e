//! What a stream that a key opened tells, and when it ends.
//!
//! Invariant: it tells nothing of what the key may not read.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use futures::StreamExt as _;
use schemas::api::Code;
use serde_json::json;

use super::{Key, delete, key, register};
use crate::{
    sessions::{HEARD_WITHIN, stream_of},
    world::{Client, on_world},
};

#[test]
fn a_stream_ends_with_its_key_on_every_gateway() {
    on_world(|world| async move {
        let ann = register(world, "ann.k7@example.org").await;
        let revoked = key(world, &ann.client, &["stream:read"]).await;
        let kept = key(world, &ann.client, &["stream:read"]).await;
        let router = world.other_gateway().await;
        let at = |key: &Key| Client {
            router: router.clone(),
            ..key.client.clone()
        };
        let here = tokio::spawn(stream_of(&revoked.client).await);
        let there = tokio::spawn(stream_of(&at(&revoked)).await);
        let goes_on = tokio::spawn(stream_of(&at(&kept)).await);
        delete(&ann.client, &revoked.path).await.expect(204);
        let ended = async { (here.await, there.await) };
        let ended = tokio::time::timeout(HEARD_WITHIN, ended).await;
        let (here, there) = ended.expect("streams end");
        here.and(there).expect("no panic");
        let refused = at(&revoked).get("/stream").await;
        refused.problem(Code::AuthenticationRequired);
        assert!(!goes_on.is_finished(), "the other key goes on");
        goes_on.abort();
    });
}

#[test]
fn a_stream_tells_a_key_of_what_it_may_read() {
    on_world(|world| async move {
        let ann = register(world, "ann.k8@example.org").await;
        let mut heard = Vec::new();
        for scopes in [
            &["stream:read", "tasks:read"][..],
            &["stream:read", "jobs:read"],
            &["*:read"],
        ] {
            let key = key(world, &ann.client, scopes).await;
            let response = key.client.open(Method::GET, "/stream", &[], "").await;
            assert_eq!(response.status(), StatusCode::OK);
            heard.push(response.into_body().into_data_stream());
        }
        let (task, _) = ann.client.make_task("echo").await;
        let key = key(world, &ann.client, &["stats:read"]).await;
        let mark = json!({"name": "mark", "schedule": {"type": "interval", "every_ms": 60_000},
            "task": {"kind": "echo"}, "enabled": false});
        let mark = ann.client.post("/jobs", mark).await.expect(201).id();
        let mut texts = Vec::new();
        for (mut body, end) in heard.into_iter().zip([&task, &mark, &mark]) {
            let mut text = String::new();
            let read = async {
                while !text.contains(end.as_str()) {
                    let chunk = body.next().await.expect("goes on").expect("whole");
                    text.push_str(&String::from_utf8_lossy(&chunk));
                }
            };
            let read = tokio::time::timeout(Duration::from_secs(10), read).await;
            read.expect("heard");
            texts.push(text);
        }
        let told = |at: usize, id: &str| texts[at].contains(id);
        assert!(!told(1, &task), "a task, to who may read jobs only");
        assert!(told(2, &task));
        let of_key = key.made.id();
        assert!((0..3).all(|at| !told(at, &of_key)), "a key is told of keys");
    });
}
