//! The first things that a client does.
//!
//! Invariant: every object made here has a name or a type of its own, so the other tests on the
//! same system disturb nothing.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    harness::{Answer, Api, until},
    shared,
};

/// How long a task of an idle system may take until it has ended.
const TASK_LIMIT: Duration = Duration::from_secs(20);

pub async fn a_stranger_becomes_a_user() -> Result<()> {
    let stranger = Api::at(shared::admin().await?.gateway())?;
    let wanted = json!({
        "email": "Ann@Example.org", "password": "correct horse battery", "name": "Ann",
    });
    let registered = stranger
        .post("/auth/register", &wanted)
        .await?
        .expect(201)?;
    let session = registered.json()?;
    ensure!(session["token_type"] == "Bearer", "{session}");
    ensure!(
        session["expires_in"].as_u64().is_some_and(|s| s > 0),
        "{session}"
    );
    ensure!(session["user"]["role"] == "operator", "{session}");
    ensure!(
        !registered.text().contains("battery"),
        "the password comes back"
    );

    let ann = stranger
        .sign_in("ann@example.org", "correct horse battery")
        .await?;
    let me = ann.get_after("/auth/me", &registered).await?;
    let me = me.expect(200)?.json()?;
    ensure!(
        me["name"] == "Ann" && me["id"] == session["user"]["id"],
        "{me}"
    );

    let old = session["refresh_token"]
        .as_str()
        .context("a refresh token")?;
    let refresh = json!({ "refresh_token": old });
    let renewed = stranger
        .post("/auth/refresh", &refresh)
        .await?
        .expect(200)?;
    let renewed = renewed.string("/refresh_token")?;
    ensure!(renewed != old, "the refresh token is not rotated");
    let logout = json!({ "refresh_token": renewed });
    stranger.post("/auth/logout", &logout).await?.expect(204)?;
    let after = stranger.post("/auth/refresh", &logout).await?;
    after.problem(401, "INVALID_REFRESH_TOKEN")?;
    Ok(())
}

pub async fn a_write_answers_what_a_read_shows() -> Result<()> {
    let api = shared::admin().await?;
    let schema = json!({"type": "object", "required": ["cores"], "properties": {
        "cores": {"type": "integer", "minimum": 1}}});
    let kind = json!({"name": "walkthrough-server", "schema": schema});
    api.post("/resource-types", &kind).await?.expect(201)?;
    let wrong = json!({"type": "walkthrough-server", "name": "w0", "attributes": {"cores": 0}});
    let refused = api
        .post("/resources", &wrong)
        .await?
        .problem(400, "INVALID_BODY")?;
    ensure!(
        refused["errors"][0]["pointer"] == "/attributes/cores",
        "{refused}"
    );

    let server = json!({
        "type": "walkthrough-server", "name": "w1", "attributes": {"cores": 8, "ä": [1.5, null]},
        "labels": {"env": "test"},
    });
    let created = same_when_read(&api, "/resources", &server).await?;
    let id = created.string("/id")?;
    let patch = json!({"attributes": {"cores": 16, "ä": null}, "labels": {"env": null}});
    let ask = api.ask("PATCH", &format!("/resources/{id}"))?;
    let patched = ask
        .header("if-match", created.header("etag")?)
        .json(&patch)
        .send()
        .await?;
    let patched = patched.expect(200)?;
    ensure!(patched.header("etag")? == "\"2\"", "{:?}", patched.headers);
    let body = patched.json()?;
    ensure!(
        body["attributes"] == json!({"cores": 16}) && body["labels"] == json!({}),
        "{body}"
    );
    let stale = api.ask("PATCH", &format!("/resources/{id}"))?;
    let stale = stale
        .header("if-match", "\"1\"")
        .json(&patch)
        .send()
        .await?;
    let stale = stale.problem(412, "VERSION_MISMATCH")?;
    ensure!(stale["current_etag"] == "\"2\"", "{stale}");

    let job = json!({
        "name": "walkthrough job", "enabled": false, "task": {"kind": "echo"},
        "schedule": {"type": "cron", "expression": "0 2 * * *", "timezone": "Europe/Berlin"},
    });
    same_when_read(&api, "/jobs", &job).await?;
    let later = json!({"kind": "echo", "payload": {"n": 1}, "not_before": "2999-01-01T00:00:00Z"});
    let task = same_when_read(&api, "/tasks", &later).await?;
    ensure!(task.string("/status")? == "scheduled", "{}", task.text());

    let stats = api
        .get_after("/stats", &patched)
        .await?
        .expect(200)?
        .json()?;
    let types = stats["resources"].as_array().context("counts by type")?;
    let mine = types
        .iter()
        .find(|count| count["type"] == "walkthrough-server");
    ensure!(mine.is_some_and(|count| count["count"] == 1), "{stats}");
    ensure!(stats["tasks"]["scheduled"].as_u64() >= Some(1), "{stats}");
    ensure!(stats["jobs"]["paused"].as_u64() >= Some(1), "{stats}");
    gone(&api, &id).await
}

pub async fn a_task_succeeds_and_tells_its_story() -> Result<()> {
    let api = shared::admin().await?;
    let wanted = json!({"kind": "echo", "payload": {"greeting": "hello", "n": [1, 2]}});
    let created = api
        .ask("POST", "/tasks")?
        .header("idempotency-key", "\"walk-1\"");
    let created = created.json(&wanted).send().await?.expect(201)?;
    let id = created.string("/id")?;
    ensure!(
        created
            .header("location")?
            .ends_with(&format!("/tasks/{id}")),
        "no location"
    );
    let replay = api
        .ask("POST", "/tasks")?
        .header("idempotency-key", "walk-1");
    let replay = replay.json(&wanted).send().await?.expect(201)?;
    ensure!(
        replay.header("idempotent-replayed")? == "true",
        "{:?}",
        replay.headers
    );
    ensure!(
        replay.body == created.body,
        "{} and {}",
        replay.text(),
        created.text()
    );

    let task = succeeded(&api, &id).await?;
    ensure!(task["output"] == wanted["payload"], "{task}");
    ensure!(
        task["attempt"]["number"] == 1 && task["finished_at"].is_string(),
        "{task}"
    );
    let events = api
        .get(&format!("/tasks/{id}/events"))
        .await?
        .expect(200)?
        .json()?;
    let events = events["items"].as_array().context("events")?;
    let names: Vec<_> = events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect();
    ensure!(
        names == ["task.created.v1", "task.started.v1", "task.succeeded.v1"],
        "{names:?}"
    );
    for (index, event) in events.iter().enumerate() {
        ensure!(event["specversion"] == "1.0", "{event}");
        ensure!(event["subject"] == format!("task/{id}"), "{event}");
        ensure!(event["streamrevision"] == index + 1, "{event}");
    }
    ensure!(
        events[0]["actorid"]
            .as_str()
            .is_some_and(|a| a.starts_with("user:")),
        "{events:?}"
    );
    let retry = api.post(&format!("/tasks/{id}/retry"), &json!({})).await?;
    retry.problem(409, "INVALID_STATE")?;
    Ok(())
}

/// Polls a task until it has succeeded; ending otherwise is an error.
pub async fn succeeded(api: &Api, id: &str) -> Result<Value> {
    until(&format!("task {id} to succeed"), TASK_LIMIT, async || {
        let task = api.get(&format!("/tasks/{id}")).await?;
        // A task that was made a moment ago may not be readable yet.
        if task.status == 404 {
            return Ok(None);
        }
        let task = task.expect(200)?.json()?;
        let status = task["status"].as_str().unwrap_or_default();
        let hopeless = ["failed", "dead", "cancelled", "skipped"].contains(&status);
        ensure!(!hopeless, "the task ended otherwise: {task}");
        Ok((status == "succeeded").then_some(task))
    })
    .await
}

/// Creates an object and holds that reading it gives the same bytes.
async fn same_when_read(api: &Api, list: &str, wanted: &Value) -> Result<Answer> {
    let created = api.post(list, wanted).await?.expect(201)?;
    let path = format!("{list}/{}", created.string("/id")?);
    let read = api.get_after(&path, &created).await?.expect(200)?;
    ensure!(
        read.body == created.body,
        "wrote {}, read {}",
        created.text(),
        read.text()
    );
    ensure!(
        read.header("etag")? == created.header("etag")?,
        "{path}: other ETag"
    );
    let again = api
        .ask("GET", &path)?
        .header("if-none-match", read.header("etag")?);
    again.send().await?.expect(304)?;
    Ok(created)
}

/// Deletes a resource: it is gone from reads and lists, and its history stays.
async fn gone(api: &Api, id: &str) -> Result<()> {
    let path = format!("/resources/{id}");
    let deleted = api.ask("DELETE", &path)?.send().await?.expect(204)?;
    api.get_after(&path, &deleted)
        .await?
        .problem(404, "NOT_FOUND")?;
    let left = api
        .list_after("/resources?type=walkthrough-server", &deleted)
        .await?;
    ensure!(left.is_empty(), "{left:?}");
    let events = api.list_after(&format!("{path}/events"), &deleted).await?;
    ensure!(events.len() == 3, "{events:?}");
    Ok(())
}
