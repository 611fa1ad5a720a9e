//! Write → visible: how soon a write can be read, on an idle system and while many write.
//!
//! Invariant: one question at a time beside the load, and each read carries the token of the write
//! before it, so it is answered by rows that hold that write and by nothing older.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use event_log::{Entry, EventLog as _, Follow, JetStreamLog, Position};
use futures::StreamExt as _;
use serde::Deserialize;
use serde_json::json;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    bare::postgres,
    fixture::{self, Author},
    http::Connection,
    latency::Latencies,
    load::{Scale, Step},
    paced::Paced,
    report::{Report, Row},
    role::Part,
    world::World,
};

/// Between two writes, so that nothing of the last is still going on.
const REST: Duration = Duration::from_millis(5);

/// How many others write in a second, and over how many connections.
const BUSY: u32 = 2_000;
const WRITERS: usize = 32;

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

/// Somebody else who makes tasks.
struct Writer(Connection);

impl Step for Writer {
    async fn step(&mut self) -> Result<()> {
        self.0.post("/api/v1/tasks", task()).await.map(drop)
    }
}

/// Somebody else who appends.
#[derive(Clone)]
struct Appender(JetStreamLog, Author);

impl Step for Appender {
    async fn step(&mut self) -> Result<()> {
        self.0.append(self.1.birth()).await?;
        Ok(())
    }
}

/// Measures.
pub async fn run(scale: Scale) -> Result<Report> {
    let world = World::start().await?;
    let rows = Rows::follow(&world).await?;
    let bare = rows.measure(&world, scale).await?;
    let others = vec![Appender(world.log.clone(), world.author.clone()); WRITERS];
    let load = Paced::begin(others, BUSY);
    tokio::time::sleep(scale.warm_up).await;
    let bare_busy = rows.measure(&world, scale).await?;
    let appended = load.end().await?;
    rows.end().await?;
    let (gateway, site) = world.gateway().await?;
    let projector = world.part(Part::Projector).await?;
    world.caught_up().await?;
    let idle = through_almanac(site.connect().await?, scale).await?;
    let others = site.connect_all(WRITERS).await?;
    let load = Paced::begin(others.into_iter().map(Writer).collect(), BUSY);
    tokio::time::sleep(scale.warm_up).await;
    let busy = through_almanac(site.connect().await?, scale).await?;
    let written = load.end().await?;
    let mut report = Report::new("visible (one write at a time, over HTTP)");
    for (beside, bare, seen) in [
        ("idle".to_owned(), &bare, &idle),
        (format!("beside {BUSY}/s"), &bare_busy, &busy),
    ] {
        let named = |what: &str| format!("{beside}: {what}");
        report.row(Row::latency(
            named("bare: append → follow → transaction"),
            bare,
        ));
        report.row(Row::latency(named("POST /tasks answered"), &seen.write));
        report.row(Row::latency(
            named("then GET /tasks/{id} with its token"),
            &seen.read,
        ));
        let both = Row::latency(named("write → visible, both together"), &seen.all);
        report.row(both.against_p50("bare", bare));
    }
    report.remark(format!(
        "p99 idle {:.1} ms (goal 25), beside {written:.0} others a second {:.1} ms (goal 100; \
         bare beside {appended:.0})",
        idle.all.quantile_ms(0.99),
        busy.all.quantile_ms(0.99),
    ));
    projector.end().await?;
    gateway.end().await?;
    Ok(report)
}

fn task() -> Bytes {
    Bytes::from(json!({ "kind": "echo", "payload": fixture::payload() }).to_string())
}

async fn through_almanac(mut connection: Connection, scale: Scale) -> Result<Seen> {
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
        let made = connection.post("/api/v1/tasks", task()).await?;
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

/// The least that must happen: a consumer that hears of each append, and durable transactions of
/// all that it has heard of.
struct Rows {
    ends: CancellationToken,
    reached: watch::Receiver<Position>,
    writing: JoinHandle<Result<()>>,
}

impl Rows {
    async fn follow(world: &World) -> Result<Self> {
        let url = world.servers().postgres.url("almanac");
        postgres::prepare(&url).await?;
        let mut rows = postgres::Bare::connect(&url).await?;
        let head = world.log.head().await?.position;
        let entries: Follow = world.followed.follow(head).await?;
        let (reach, reached) = watch::channel(head);
        let ends = CancellationToken::new();
        let until = ends.clone();
        let writing = tokio::spawn(async move {
            let mut chunks = entries.ready_chunks(500);
            while let Some(Some(chunk)) = until.run_until_cancelled(chunks.next()).await {
                let mut ids = Vec::with_capacity(chunk.len());
                let mut last = head;
                for entry in chunk {
                    let Entry::Commit(commit) = entry? else {
                        bail!("what was appended cannot be read");
                    };
                    ids.push(commit.stream.id);
                    last = commit.position;
                }
                rows.write(&ids, last.0.try_into()?).await?;
                reach.send_replace(last);
            }
            Ok(())
        });
        Ok(Self {
            ends,
            reached,
            writing,
        })
    }

    async fn measure(&self, world: &World, scale: Scale) -> Result<Latencies> {
        let mut reached = self.reached.clone();
        let mut latencies = Latencies::new();
        let end = Instant::now() + scale.measure;
        while Instant::now() < end {
            let commit = world.author.birth();
            let began = Instant::now();
            let stored = world.log.append(commit).await?;
            reached.wait_for(|reached| *reached >= stored).await?;
            latencies.record(began.elapsed());
            tokio::time::sleep(REST).await;
        }
        Ok(latencies)
    }

    async fn end(self) -> Result<()> {
        self.ends.cancel();
        self.writing.await?
    }
}
