//! Tasks, from their creation to their success, by one scheduler and one worker.
//!
//! Invariant: a task has succeeded when that is in the log, which is durable then; every task is
//! waited for. The log is asked for its end meanwhile, and read when it has grown by as much as is
//! still owed.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use commands::{BATCH_MAX, Commands};
use domain::{
    AggregateKind, Timestamp,
    task::{Priority, Task, TaskCommand, TaskCreated, TaskEvent, TaskSpec},
};
use event_log::{Entry, EventLog as _, Position};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use uuid::Uuid;

use crate::{
    filling, fixture,
    latency::Latencies,
    load::{self, Scale, Step},
    machine::Cpu,
    paced::Paced,
    report::{Report, Row},
    role::{Part, Role},
    world::World,
};

/// How many are created in bulk.
const BULK: usize = 20_000;
/// How many go through at full speed.
const THROUGH: usize = 5_000;
/// Batches on their way at a time.
const IN_FLIGHT: usize = 2;
/// How many a second are created where latency is measured.
const PACE: u32 = 100;
/// For how long at least.
const PACED: Duration = Duration::from_secs(10);
/// How often the log is asked for its end: a look takes about a millisecond of a core.
const LOOK: Duration = Duration::from_millis(10);
/// How long all may take.
const GIVE_UP: Duration = Duration::from_mins(2);
/// How many of low priority there are, and how long each sleeps: for several seconds more than the
/// worker can do at a time.
const LOW: usize = 8_000;
const LOW_MS: u64 = 200;
/// How many critical ones a second come in between, and for how long.
const CRITICAL_PACE: u32 = 20;
const CRITICAL: Duration = Duration::from_secs(3);
/// The commits of a task that succeeds at once.
const COMMITS: u64 = 3;

/// What runs beside the servers.
struct Parts([(&'static str, Role); 3]);

/// What became of a task, as the log tells.
#[derive(Default)]
struct Life {
    created: Option<Timestamp>,
    priority: Priority,
    has_succeeded: bool,
    started: Option<Timestamp>,
}

/// Creates one such task after the other.
struct Create(Commands, TaskCreated);

impl Step for Create {
    async fn step(&mut self) -> Result<()> {
        let command = TaskCommand::Create(self.1.clone());
        self.0
            .execute::<Task>(fixture::ask(&self.0), command)
            .await?;
        Ok(())
    }
}

/// Measures creation in bulk, throughput, and how long tasks wait when there is little to do.
pub async fn run(scale: Scale) -> Result<Report> {
    let mut report = Report::new("tasks (no-ops: created, started, succeeded; one commit each)");
    let world = World::start().await?;
    let began = Instant::now();
    filling::births(&world, BULK).await?;
    let bare = load::rate(BULK, began);
    report.row(Row::rate("bare atomic batches of 1,000, commits", bare));
    let began = Instant::now();
    in_bulk(&world.commands(), BULK, &fixture::task()).await?;
    let row = Row::rate("created in bulk", load::rate(BULK, began));
    report.row(row.against_rate("bare", bare));
    drop(world);
    let world = World::start().await?;
    let parts = Parts::start(&world).await?;
    through(&world, &parts, &mut report, bare).await?;
    waits(&world, scale, &mut report).await?;
    urgent(&world, &mut report).await?;
    parts.end().await?;
    Ok(report)
}

/// All at once.
async fn through(world: &World, parts: &Parts, report: &mut Report, bare: f64) -> Result<()> {
    let mut processes = parts.processes();
    processes.extend(world.processes()?);
    let (from, before) = (world.log.head().await?.position, Cpu::now(&processes)?);
    let began = Instant::now();
    in_bulk(&world.commands(), THROUGH, &fixture::task()).await?;
    let lives = ended(world, from, Some(THROUGH)).await?;
    let rate = load::rate(lives.len(), began);
    let row = Row::rate("tasks, from creation to success", rate);
    report.row(row.against_rate("a third of bare", bare / COMMITS as f64));
    let spent = before.since(&processes)?;
    report.remark(spent.per(THROUGH as f64, "task"));
    report.remark("goals: 5,000/s in bulk, 2,000/s from creation to success");
    world.caught_up().await?;
    Ok(())
}

/// Some every second.
async fn waits(world: &World, scale: Scale, report: &mut Report) -> Result<()> {
    let from = world.log.head().await?.position;
    let paced = Paced::begin(vec![Create(world.commands(), fixture::task())], PACE);
    tokio::time::sleep(scale.at_least(PACED).measure).await;
    let rate = paced.end().await?;
    let lives = ended(world, from, None).await?;
    let waits = waits_of(lives.values())?;
    let name = format!("created to started, at {rate:.0}/s");
    report.row(Row::latency(name, &waits));
    report.goal("a wait, p50", waits.quantile_ms(0.5), 5.5, "ms");
    report.goal("a wait, p99", waits.quantile_ms(0.99), 25.5, "ms");
    Ok(())
}

/// Critical ones, while more of low priority than can be done are there all the time.
async fn urgent(world: &World, report: &mut Report) -> Result<()> {
    let of = |priority, kind, payload| {
        TaskCreated::new(TaskSpec {
            priority,
            ..TaskSpec::new(kind, payload)
        })
    };
    let low = of(Priority::Low, "sleep", json!({ "ms": LOW_MS }));
    let critical = of(Priority::Critical, "echo", json!({}));
    let from = world.log.head().await?.position;
    in_bulk(&world.commands(), LOW, &low).await?;
    let paced = Paced::begin(vec![Create(world.commands(), critical)], CRITICAL_PACE);
    tokio::time::sleep(CRITICAL).await;
    paced.end().await?;
    let lives = ended(world, from, None).await?;
    let of = |priority| lives.values().filter(move |life| life.priority == priority);
    let last_low = of(Priority::Low).filter_map(|life| life.started).max();
    let last_critical = of(Priority::Critical).filter_map(|life| life.created).max();
    ensure!(last_low > last_critical, "the low ones were done too soon");
    let waits = waits_of(of(Priority::Critical))?;
    report.row(Row::latency("critical, created to started", &waits));
    report.goal("a critical wait, p99", waits.quantile_ms(0.99), 50.5, "ms");
    report.remark(format!(
        "{LOW} of low priority, {LOW_MS} ms each, waited meanwhile, and all have succeeded"
    ));
    Ok(())
}

impl Parts {
    async fn start(world: &World) -> Result<Self> {
        Ok(Self([
            ("projector", world.part(Part::Projector).await?),
            ("scheduler", world.part(Part::Scheduler).await?),
            ("worker", world.part(Part::Worker).await?),
        ]))
    }

    fn processes(&self) -> Vec<(&'static str, u32)> {
        let each = self.0.iter().map(|(name, role)| (*name, role.pid()));
        each.collect()
    }

    async fn end(self) -> Result<()> {
        for (_, role) in self.0.into_iter().rev() {
            role.end().await?;
        }
        Ok(())
    }
}

impl Life {
    fn wait(&self) -> Option<Duration> {
        let waited_ms = self.started?.since_ms(self.created?);
        Some(Duration::from_millis(waited_ms.max(0).unsigned_abs()))
    }
}

fn waits_of<'a>(lives: impl Iterator<Item = &'a Life>) -> Result<Latencies> {
    let waits: Option<Vec<_>> = lives.map(Life::wait).collect();
    Ok(waits.context("one never started")?.into_iter().collect())
}

async fn in_bulk(commands: &Commands, count: usize, task: &TaskCreated) -> Result<()> {
    let batches = stream::iter((0..count).step_by(BATCH_MAX)).map(async |from| {
        let tasks = vec![task.clone(); BATCH_MAX.min(count - from)];
        let receipt = commands.create_tasks(fixture::ask(commands), tasks).await?;
        Ok::<_, anyhow::Error>(receipt.ids.len())
    });
    let made: Vec<_> = batches.buffer_unordered(IN_FLIGHT).try_collect().await?;
    ensure!(made.iter().sum::<usize>() == count, "not all were made");
    Ok(())
}

/// All tasks that were created after `from`, once each has succeeded.
async fn ended(world: &World, from: Position, count: Option<usize>) -> Result<HashMap<Uuid, Life>> {
    let (mut lives, mut read) = (HashMap::<Uuid, Life>::new(), from);
    let mut owed = count.map_or(1, |count| count as u64 * COMMITS);
    let began = Instant::now();
    while owed > 0 {
        ensure!(began.elapsed() < GIVE_UP, "{owed} commits are still owed");
        tokio::time::sleep(LOOK).await;
        let end = world.log.head().await?.position;
        if end.0 - read.0 < owed {
            continue;
        }
        let mut entries = world.followed.follow(read).await?;
        while read < end {
            let entry = entries.next().await.context("the log has ended")??;
            read = entry.position();
            note(&mut lives, entry)?;
        }
        let open = lives.values().filter(|life| !life.has_succeeded);
        owed = open.count() as u64;
    }
    Ok(lives)
}

fn note(lives: &mut HashMap<Uuid, Life>, entry: Entry) -> Result<()> {
    let Entry::Commit(commit) = entry else {
        anyhow::bail!("a message that nobody reads");
    };
    if commit.stream.kind != AggregateKind::Task {
        return Ok(());
    }
    let life = lives.entry(commit.stream.id).or_default();
    for event in schemas::catalogue::decode::<TaskEvent>(&commit.payload)? {
        match event {
            TaskEvent::Created(created) => {
                life.created = Some(commit.meta.time);
                life.priority = created.spec.priority;
            }
            TaskEvent::Started(_) => life.started = Some(commit.meta.time),
            TaskEvent::Succeeded(_) => life.has_succeeded = true,
            other => anyhow::bail!("{other:?}"),
        }
    }
    Ok(())
}
