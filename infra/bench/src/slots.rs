//! Many jobs due at one instant: how late each slot is in the log.
//!
//! Invariant: a slot counts when the log is seen to have reached its commit, which is durable then;
//! every slot is waited for, and none is counted twice. The log is asked for its end every few
//! milliseconds and read afterwards: whoever followed it meanwhile would compute on the same cores.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use domain::{AggregateKind, JobId, TaskId, Timestamp, schedule::Schedule};
use event_log::{Entry, EventLog as _, Position};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use uuid::Uuid;

use crate::{
    filling::BATCH,
    fixture,
    latency::Latencies,
    machine::{Cpu, Spent},
    report::{Report, Row},
    role::Part,
    world::World,
};

/// How many jobs are made at a time.
const MAKING: usize = 512;
/// How long before they are due the last job must be known to the scheduler.
const AHEAD_MS: i64 = 3_000;
/// How often the log is asked for its end: a look takes about a millisecond of a core.
const LOOK: Duration = Duration::from_millis(10);
/// After how many looks without news it rests.
const RESTS: usize = 40;
/// How late a slot may be before the bench gives up.
const GIVE_UP: Duration = Duration::from_mins(1);

/// How late slots were, and what firing them cost.
struct Fired {
    late: Latencies,
    spent: Spent,
}

/// Measures with these numbers of jobs.
pub async fn run(counts: &[usize]) -> Result<Report> {
    let mut report = Report::new("slots (jobs due at one instant, one commit each)");
    for count in counts {
        let limit = bare(*count).await?;
        let fired = fired(*count).await?;
        let name = format!("bare atomic batches of 1,000, {count} commits");
        report.row(Row::latency(name, &limit));
        report.row(
            Row::latency(format!("{count} slots, lateness"), &fired.late)
                .against_p50("bare", &limit),
        );
        report.remark(fired.spent.per(*count as f64, &format!("slot of {count}")));
    }
    report.remark("goal: no slot later than 1 s with 10,000 due at once");
    report.remark("the projector follows and the dispatcher fills the work queue meanwhile");
    Ok(report)
}

/// As many commits in full batches, one after the other: when each is acknowledged.
async fn bare(count: usize) -> Result<Latencies> {
    let world = World::start().await?;
    let births: Vec<_> = (0..count).map(|_| world.author.birth()).collect();
    let began = Instant::now();
    let mut latencies = Latencies::new();
    for batch in births.chunks(BATCH) {
        world.log.append_all(batch.to_vec()).await?;
        let late = began.elapsed();
        for _ in batch {
            latencies.record(late);
        }
    }
    Ok(latencies)
}

async fn fired(count: usize) -> Result<Fired> {
    let world = World::start().await?;
    let projector = world.part(Part::Projector).await?;
    let scheduler = world.part(Part::Scheduler).await?;
    let mut processes = vec![
        ("scheduler", scheduler.pid()),
        ("projector", projector.pid()),
    ];
    processes.extend(world.processes()?);
    let clock = world.author.clock();
    // Making them takes a while; only what is left of it counts.
    let making_ms = i64::try_from(count)? / 2;
    let at = Timestamp::from_unix_ms(clock.now().unix_ms() + making_ms + 2 * AHEAD_MS);
    let commands = world.commands();
    let jobs: Vec<JobId> = stream::iter(0..count)
        .map(|_| fixture::create_job(&commands, "due with all others", Schedule::Once { at }))
        .buffer_unordered(MAKING)
        .try_collect()
        .await?;
    world.caught_up().await?;
    let left_ms = at.unix_ms() - clock.now().unix_ms();
    ensure!(
        left_ms >= AHEAD_MS,
        "making {count} jobs left only {left_ms} ms"
    );
    let left = Duration::from_millis(left_ms.unsigned_abs());
    let slots = jobs.into_iter().map(|job| TaskId::of_slot(job, at).uuid());
    let from = world.log.head().await?.position;
    let watching = tokio::time::timeout(left + GIVE_UP, watch(&world, from, slots.collect(), at));
    let counting = async {
        tokio::time::sleep(left).await;
        Cpu::now(&processes)
    };
    let (late, before) = tokio::join!(watching, counting);
    let late = late.with_context(|| format!("not every slot in {} s", GIVE_UP.as_secs()))??;
    let spent = before?.since(&processes)?;
    scheduler.end().await?;
    projector.end().await?;
    Ok(Fired { late, spent })
}

/// Waits for all slots that are `owed`; how late each was.
async fn watch(
    world: &World,
    from: Position,
    mut owed: HashSet<Uuid>,
    at: Timestamp,
) -> Result<Latencies> {
    let clock = world.author.clock();
    let mut seen = vec![(from, at)];
    let mut latencies = Latencies::new();
    let mut read = from;
    while !owed.is_empty() {
        tokio::time::sleep(LOOK).await;
        let end = world.log.head().await?.position;
        seen.push((end, clock.now()));
        // Only when no more comes it is read what came.
        let rests = seen.len() > RESTS && seen[seen.len() - RESTS].0 == end;
        if !rests || end == read {
            continue;
        }
        let mut entries = world.followed.follow(read).await?;
        while read < end {
            let entry = entries.next().await.context("the log has ended")??;
            read = entry.position();
            let Entry::Commit(commit) = entry else {
                continue;
            };
            if commit.stream.kind == AggregateKind::Task && owed.remove(&commit.stream.id) {
                let first = seen.partition_point(|(end, _)| *end < read);
                let late_ms = seen[first].1.unix_ms() - at.unix_ms();
                ensure!(late_ms >= 0, "a slot was fired {} ms early", -late_ms);
                latencies.record(Duration::from_millis(late_ms.unsigned_abs()));
            }
        }
    }
    Ok(latencies)
}
