//! A worker in Python on the running system: it works, dies in the middle, and another goes on.
//!
//! Invariant: it has nothing but an API key and the address.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::{
    harness::{Api, until},
    shared,
};

/// How long anything but a loss may take.
const SOON: Duration = Duration::from_secs(20);
/// How long it may take until an attempt is made again whose worker is gone: found out within 30 s,
/// and then it waits for its turn.
const AGAIN_WITHIN: Duration = Duration::from_secs(45);

pub async fn a_worker_outside_dies_and_another_goes_on() -> Result<()> {
    let admin = shared::admin().await?;
    let wanted = json!({"name": "outside", "scopes": ["workers:write"]});
    let key = admin
        .post("/api-keys", &wanted)
        .await?
        .expect(201)?
        .string("/key")?;
    let first = worker(&admin, &key)?;
    let sum = task(&admin, "py.sum", &json!({"numbers": [1, 2, 39]})).await?;
    let done = reaches(&admin, &sum, SOON, |task| task["status"] == "succeeded").await?;
    ensure!(done["output"] == json!({"sum": 42}), "{done}");
    let logs = admin
        .get(&format!("/tasks/{sum}/logs?q=adds"))
        .await?
        .expect(200)?
        .json()?;
    ensure!(logs["items"].as_array().map_or(0, Vec::len) == 3, "{logs}");

    let wait = task(&admin, "py.wait", &json!({})).await?;
    let begun = reaches(&admin, &wait, SOON, |task| task["status"] == "running").await?;
    // Nobody hears a last word.
    drop(first);
    let mut second = worker(&admin, &key)?;
    let again = |task: &Value| task["status"] == "running" && task["attempt"]["number"] == 2;
    let again = reaches(&admin, &wait, AGAIN_WITHIN, again).await?;
    ensure!(again["error"]["code"] == "worker_lost", "{again}");
    ensure!(
        again["attempt"]["worker"] != begun["attempt"]["worker"],
        "{again}"
    );
    let cancel = admin.ask("PUT", &format!("/tasks/{wait}/cancel"))?;
    cancel.send().await?.expect(200)?;
    reaches(&admin, &wait, SOON, |task| task["status"] == "cancelled").await?;
    drop(second.stdin.take());
    let ended = tokio::time::timeout(SOON, second.wait()).await;
    ensure!(
        ended.context("it does not end")??.success(),
        "it ended badly"
    );
    Ok(())
}

fn worker(api: &Api, key: &str) -> Result<Child> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/python");
    let worker = Command::new("python3")
        .args(["-B", "test_worker.py", api.gateway(), key])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    worker.context("Python 3 does not start")
}

async fn task(api: &Api, kind: &str, payload: &Value) -> Result<String> {
    let wanted = json!({"kind": kind, "payload": payload});
    api.post("/tasks", &wanted)
        .await?
        .expect(201)?
        .string("/id")
}

async fn reaches(
    api: &Api,
    task: &str,
    within: Duration,
    holds: impl Fn(&Value) -> bool,
) -> Result<Value> {
    until("the task to get on", within, async || {
        let shown = api.get(&format!("/tasks/{task}")).await?;
        if shown.status == 404 {
            return Ok(None);
        }
        let shown = shown.expect(200)?.json()?;
        Ok(Some(shown).filter(|shown| holds(shown)))
    })
    .await
}
