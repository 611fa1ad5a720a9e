//! Write → visible: how soon a write can be read, on an idle system.
//!
//! Invariant: one question at a time, and each read carries the token of the write before it, so
//! it is answered by rows that hold that write and by nothing older.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use event_log::{EventLog as _, Follow, Position};
use futures::StreamExt as _;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::{
    bare::postgres,
    fixture,
    http::Connection,
    latency::Latencies,
    load::Scale,
    report::{Report, Row},
    role::Part,
    world::World,
};

/// Between two writes, so that nothing of the last is still going on.
const REST: Duration = Duration::from_millis(5);

/// What a write and its read took.
struct Seen {
    all: Latencies,
    read: Latencies,
    write: Latencies,
}

#[derive(Deserialize)]
struct Made {
    id: Uuid,
}

/// Measures.
pub async fn run(scale: Scale) -> Result<Report> {
    let world = World::start().await?;
    let bare = bare(&world, scale).await?;
    let (gateway, site) = world.gateway().await?;
    let projector = world.part(Part::Projector).await?;
    world.caught_up().await?;
    let seen = through_almanac(site.connect().await?, scale).await?;
    let mut report = Report::new("visible (one write at a time, idle, over HTTP)");
    report.row(Row::latency(
        "bare: append → follow → transaction of one row",
        &bare,
    ));
    report.row(Row::latency("POST /tasks answered", &seen.write));
    report.row(Row::latency(
        "then GET /tasks/{id} with its token",
        &seen.read,
    ));
    report
        .row(Row::latency("write → visible, both together", &seen.all).against_p50("bare", &bare));
    report.remark(format!(
        "goal: write → visible p99 under 25 ms when idle; {} writes",
        seen.all.count()
    ));
    projector.end().await?;
    gateway.end().await?;
    Ok(report)
}

async fn through_almanac(mut connection: Connection, scale: Scale) -> Result<Seen> {
    let body = Bytes::from(json!({ "kind": "echo", "payload": fixture::payload() }).to_string());
    let none = Latencies::new;
    let mut seen = Seen {
        all: none(),
        read: none(),
        write: none(),
    };
    let end = Instant::now() + scale.measure * 3;
    let mut first = true;
    while Instant::now() < end {
        let began = Instant::now();
        let made = connection.post("/api/v1/tasks", body.clone()).await?;
        let written = Instant::now();
        let token = made
            .headers
            .get("consistency-token")
            .context("a write without a token")?;
        let id = serde_json::from_slice::<Made>(&made.body)?.id;
        let path = format!("/api/v1/tasks/{id}");
        let read = connection.get(&path, Some(token)).await?;
        let done = Instant::now();
        ensure!(
            serde_json::from_slice::<Made>(&read.body)?.id == id,
            "another task was read"
        );
        // The first one pays for connections and caches.
        if !std::mem::take(&mut first) {
            seen.write.record(written - began);
            seen.read.record(done - written);
            seen.all.record(done - began);
        }
        tokio::time::sleep(REST).await;
    }
    Ok(seen)
}

/// The least that must happen: a durable append, a consumer that hears of it, a durable
/// transaction.
async fn bare(world: &World, scale: Scale) -> Result<Latencies> {
    let url = world.servers().postgres.url("almanac");
    postgres::prepare(&url).await?;
    let mut rows = postgres::Bare::connect(&url).await?;
    let mut entries: Follow = world
        .followed
        .follow(world.log.head().await?.position)
        .await?;
    let mut latencies = Latencies::new();
    let end = Instant::now() + scale.measure;
    while Instant::now() < end {
        let commit = world.author.birth();
        let id = commit.stream.id;
        let began = Instant::now();
        let stored = world.log.append(commit).await?;
        let heard = entries
            .next()
            .await
            .context("the log has ended")??
            .position();
        ensure!(heard == stored, "heard of {heard:?} instead of {stored:?}");
        let Position(position) = heard;
        rows.write(&[id], position.try_into()?).await?;
        latencies.record(began.elapsed());
        tokio::time::sleep(REST).await;
    }
    Ok(latencies)
}
