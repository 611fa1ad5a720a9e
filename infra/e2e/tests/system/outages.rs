//! NATS or Postgres away, and back.
//!
//! Invariant: no role is started again; what was acknowledged meanwhile is there afterwards.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    harness::{Answer, Api, Roles, until},
    schedules::instant,
    walkthrough::succeeded,
};

/// How soon a client must be told that something is away.
const TOLD: Duration = Duration::from_secs(15);
/// How often the job is due that goes on through it all.
const PERIOD_MS: i64 = 1_000;
const RECOVERY_LIMIT: Duration = Duration::from_mins(1);

pub async fn servers_may_go_and_come_back() -> Result<()> {
    let mut roles = Roles::start("outages").await?;
    let api = roles.admin().await?;
    let calm = create(&api, "calm").await?.expect(201)?;
    let path = format!("/resources/{}", calm.string("/id")?);
    api.get_after(&path, &calm).await?.expect(200)?;

    let job = json!({
        "name": "ticks", "schedule": {"type": "interval", "every_ms": PERIOD_MS},
        "task": {"kind": "echo"}, "misfire": "all",
    });
    let job = api.post("/jobs", &job).await?.expect(201)?.string("/id")?;

    log_gone(&mut roles, &api, &path).await?;
    log_frozen(&mut roles, &api).await?;
    let stored = rows_gone(&mut roles, &api, &path).await?;

    let last = create(&api, "last").await?.expect(201)?;
    let names = api.list_after("/resources?type=outage", &last).await?;
    let mut names: Vec<_> = names
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    names.sort_unstable();
    let mut expected = vec!["calm", "frozen", "gone", "last"];
    expected.extend(stored.then_some("rowless"));
    ensure!(names == expected, "{names:?}, expected {expected:?}");
    let task = api
        .post("/tasks", &json!({"kind": "echo"}))
        .await?
        .expect(201)?;
    succeeded(&api, &task.string("/id")?).await?;
    every_slot_fired(&api, &job).await?;
    roles.finish().await
}

/// A job that catches up on all it missed has a task for each of its slots, and only one.
async fn every_slot_fired(api: &Api, job: &str) -> Result<()> {
    let deleted = api
        .ask("DELETE", &format!("/jobs/{job}"))?
        .send()
        .await?
        .expect(204)?;
    let tasks = until("the job's tasks to end", RECOVERY_LIMIT, async || {
        let tasks = api
            .list_after(&format!("/tasks?job_id={job}"), &deleted)
            .await?;
        let ended = tasks.iter().all(|task| task["status"] == "succeeded");
        Ok(ended.then_some(tasks))
    });
    let mut slots = Vec::new();
    for task in tasks.await? {
        slots.push(instant(&task["slot"])?.timestamp_millis());
    }
    slots.sort_unstable();
    ensure!(slots.len() > 5, "only {} slots", slots.len());
    let gap = slots.windows(2).find(|two| two[1] - two[0] != PERIOD_MS);
    ensure!(gap.is_none(), "not every slot once: {gap:?} of {slots:?}");
    println!(
        "{} slots through three outages, each fired once",
        slots.len()
    );
    Ok(())
}

/// nats-server killed: nothing can be written, everything can be read.
async fn log_gone(roles: &mut Roles, api: &Api, path: &str) -> Result<()> {
    tokio::task::block_in_place(|| roles.servers.nats.kill());
    told(create(api, "gone")).await?;
    api.get(path).await?.expect(200)?;
    unready(api).await?;
    tokio::task::block_in_place(|| roles.servers.nats.restart())?;
    recovered(roles, api, "gone").await
}

/// nats-server frozen: whether the write is stored stays open, until the same key tells.
async fn log_frozen(roles: &mut Roles, api: &Api) -> Result<()> {
    roles.servers.nats.pause();
    let told = told(create(api, "frozen")).await;
    roles.servers.nats.resume();
    told?;
    recovered(roles, api, "frozen").await
}

/// Postgres killed: nothing can be read. Whether a write was acknowledged, which the log alone
/// allows.
async fn rows_gone(roles: &mut Roles, api: &Api, path: &str) -> Result<bool> {
    tokio::task::block_in_place(|| roles.servers.postgres.kill());
    told(async { api.get(path).await }).await?;
    told(async { api.get("/stats").await }).await?;
    unready(api).await?;
    let write = create(api, "rowless").await?;
    let stored = write.status == 201;
    if !stored {
        write.problem(503, "UNAVAILABLE")?;
    }
    tokio::task::block_in_place(|| roles.servers.postgres.restart())?;
    let began = Instant::now();
    roles.ready().await?;
    let ready = began.elapsed().as_millis();
    println!("read models gone and back: ready after {ready} ms");
    until("reads to be answered", RECOVERY_LIMIT, async || {
        let read = api.get(path).await?;
        Ok((read.status == 200).then_some(()))
    })
    .await?;
    Ok(stored)
}

/// A create whose name is its idempotency key.
async fn create(api: &Api, name: &str) -> Result<Answer> {
    let ask = api
        .ask("POST", "/resources")?
        .header("idempotency-key", name);
    ask.json(&json!({"type": "outage", "name": name}))
        .send()
        .await
}

/// Holds that the answer is a problem that comes soon and says when to come back.
async fn told(answer: impl Future<Output = Result<Answer>>) -> Result<()> {
    let began = Instant::now();
    let answer = answer.await?;
    let took = began.elapsed();
    let problem = answer.problem(503, "UNAVAILABLE")?;
    ensure!(problem["retryable"] == true, "{problem}");
    let seconds: u64 = answer.header("retry-after")?.parse()?;
    ensure!((1..=60).contains(&seconds), "Retry-After: {seconds}");
    ensure!(
        took < TOLD,
        "{}: told after {} ms",
        answer.asked,
        took.as_millis()
    );
    Ok(())
}

/// Holds that the gateway says by itself that it should be given no requests.
async fn unready(api: &Api) -> Result<()> {
    until("the gateway to be unready", RECOVERY_LIMIT, async || {
        Ok((api.get("!/readyz").await?.status == 503).then_some(()))
    })
    .await?;
    api.get("!/livez").await?.expect(200)?;
    Ok(())
}

/// The same request, until it succeeds by itself.
async fn recovered(roles: &mut Roles, api: &Api, name: &str) -> Result<()> {
    let began = Instant::now();
    let created = until("a write to succeed", RECOVERY_LIMIT, async || {
        let answer = create(api, name).await?;
        Ok((answer.status == 201).then_some(answer))
    });
    let created = created.await?;
    let found: Value = created.json()?;
    ensure!(found["name"] == name && found["version"] == 1, "{found}");
    let written = began.elapsed().as_millis();
    roles.ready().await.context("after the log came back")?;
    let ready = began.elapsed().as_millis();
    println!("log {name} and back: written after {written} ms, ready after {ready} ms");
    Ok(())
}
