//! The live stream.
//!
//! Invariant: what a message speaks of can be read when the message is there.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use crate::{
    harness::{Api, Message, Stream},
    shared,
};

const LIMIT: Duration = Duration::from_secs(20);

pub async fn a_task_is_seen_live_and_again_after_a_gap() -> Result<()> {
    let api = shared::admin().await?;
    let mut live = Stream::open(&api, None).await?;
    let hello = live.next(LIMIT).await?;
    ensure!(hello.event == "hello", "{hello:?}");
    let since = hello.data["position"].as_u64().context("a position")?;

    let created = api
        .post("/tasks", &json!({"kind": "echo", "payload": 7}))
        .await?
        .expect(201)?;
    let id = created.string("/id")?;
    let seen = story(&api, &mut live, &id, true).await?;
    drop(live);

    let mut resumed = Stream::open(&api, Some(since)).await?;
    let hello = resumed.next(LIMIT).await?;
    ensure!(hello.event == "hello", "{hello:?}");
    let again = story(&api, &mut resumed, &id, false).await?;
    ensure!(
        seen == again,
        "the gap is filled otherwise: {seen:?}, {again:?}"
    );

    let nobody = api.with_bearer("nobody");
    nobody
        .get("/stream")
        .await?
        .problem(401, "AUTHENTICATION_REQUIRED")?;
    Ok(())
}

/// The messages on one task until it has succeeded.
async fn story(api: &Api, stream: &mut Stream, id: &str, read: bool) -> Result<Vec<Message>> {
    let mut messages: Vec<Message> = Vec::new();
    let mut last = 0;
    loop {
        let message = stream.next(LIMIT).await?;
        ensure!(message.event == "commit", "{message:?}");
        let position: u64 = message.id.as_deref().context("an id")?.parse()?;
        ensure!(message.data["position"] == position, "{message:?}");
        ensure!(position > last, "position {position} after {last}");
        last = position;
        if message.data["id"] != id {
            continue;
        }
        if read {
            let task = api
                .get(&format!("/tasks/{id}"))
                .await?
                .expect(200)?
                .json()?;
            ensure!(
                task["version"].as_u64() >= message.data["version"].as_u64(),
                "{task}"
            );
        }
        let event = message.data["events"][0]["type"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        messages.push(message);
        match event.as_str() {
            "task.created.v1" | "task.started.v1" => {}
            "task.succeeded.v1" => return Ok(messages),
            other => bail!("the task met {other}"),
        }
    }
}
