//! Many jobs that are not due: what the scheduler takes to wait for them.
//!
//! Invariant: it has read all of them before it is looked at, and none becomes due meanwhile.

use std::time::Duration;

use anyhow::{Context as _, Result};
use domain::schedule::Schedule;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    fixture,
    machine::{Cpu, resident_kib},
    report::Report,
    role::Part,
    world::World,
};

/// How many jobs are made at a time.
const MAKING: usize = 512;
/// For how long its computing is watched.
const WATCHED: Duration = Duration::from_secs(20);
/// When it counts as at rest: below this part of a core for a second.
const RESTS: f64 = 0.05;
/// How long it may take until then.
const REST_WITHIN: Duration = Duration::from_mins(3);

/// Measures with so many jobs.
pub async fn run(jobs: usize) -> Result<Report> {
    let mut report = Report::new("idle (jobs that are due once a year)");
    let world = World::start().await?;
    let projector = world.part(Part::Projector).await?;
    let commands = world.commands();
    // Half a year away from whoever measures, more or less.
    let today = world.author.clock().now().to_string();
    let this: usize = today.get(5..7).context("a month")?.parse()?;
    let month = (this + 5) % 12 + 1;
    let schedules = stream::iter(0..jobs).map(|number| yearly(number, month));
    let made = schedules.map(|schedule| fixture::create_job(&commands, "once a year", schedule));
    let made = made.buffer_unordered(MAKING);
    made.try_for_each(async |_| Ok(())).await?;
    world.caught_up().await?;
    let empty = scheduler(&World::start().await?).await?;
    let full = scheduler(&world).await?;
    projector.end().await?;
    report.goal("memory of the scheduler", full.0, 300.0, "MB");
    report.goal("a core, of it", full.1, 2.0, "%");
    report.remark(format!(
        "{jobs} jobs; with none it takes {:.0} MB and {:.1} %",
        empty.0, empty.1
    ));
    Ok(report)
}

/// What a scheduler takes once it rests: memory in MB, and of a core in percent.
async fn scheduler(world: &World) -> Result<(f64, f64)> {
    let scheduler = world.part(Part::Scheduler).await?;
    let processes = [("scheduler", scheduler.pid())];
    let resting = async {
        while core(&processes, Duration::from_secs(1)).await? > RESTS {}
        anyhow::Ok(())
    };
    let rested = tokio::time::timeout(REST_WITHIN, resting).await;
    rested.context("it does not come to rest")??;
    let core = core(&processes, WATCHED).await?;
    let memory = resident_kib(scheduler.pid())? * 1_024.0 / 1e6;
    scheduler.end().await?;
    Ok((memory, core * 100.0))
}

/// How much of a core they use.
async fn core(processes: &[(&'static str, u32)], span: Duration) -> Result<f64> {
    let before = Cpu::now(processes)?;
    tokio::time::sleep(span).await;
    Ok(before.since(processes)?.us() / span.as_micros() as f64)
}

/// A minute of that month, another one for each number.
fn yearly(number: usize, month: usize) -> Schedule {
    let (minute, hour, day) = (number % 60, number / 60 % 24, number / 1_440 % 28 + 1);
    Schedule::cron(format!("{minute} {hour} {day} {month} *"), "Europe/Berlin")
}
