//! Rebuilding all read models from the log.
//!
//! Invariant: what is built is checked to have come to the end of the log, the limits are of the
//! same commits and of as many rows, and each figure is that of the round in the middle.

use std::{sync::Arc, time::Instant};

use anyhow::{Result, ensure};
use event_log::{EventLog as _, Position, SharedLog};

use crate::{
    bare::postgres,
    filling,
    load::{self, rate},
    machine::{Cpu, Spent},
    report::{Report, Row},
    world::World,
};

/// Measures on a log of `commits`.
pub async fn run(commits: usize) -> Result<Report> {
    let world = World::start().await?;
    let began = Instant::now();
    let ids = filling::lives(&world, commits).await?;
    let filled = rate(ids.len() * 3, began);
    let head = world.log.head().await?.position;
    let followed = load::rounds(async || world.follow_rate(head).await);
    let followed = load::median_by(followed.await?, |rate| *rate)?;
    let url = world.servers().postgres.url("almanac");
    let inserted = load::rounds(async || {
        postgres::prepare(&url).await?;
        postgres::Bare::connect(&url).await?.fill(&ids).await
    });
    let inserted = load::median(inserted.await?)?;
    let rounds = load::rounds(async || rebuilt(&world, head).await).await?;
    let all: Vec<_> = rounds
        .iter()
        .map(|(rate, _)| format!("{rate:.0}"))
        .collect();
    let (rebuilt, spent) = load::median_by(rounds, |(rate, _)| *rate)?;
    let mut report = Report::new("rebuild (tasks that were created, started and succeeded)");
    report.row(Row::rate(
        "writing this log in atomic batches of 1,000, commits",
        filled,
    ));
    report.row(Row::rate("bare: following the log, commits", followed));
    report.row(Row::of(
        "bare: UNNEST 500 rows and a checkpoint, rows",
        &inserted,
    ));
    report.row(Row::rate("rebuild, commits", rebuilt).against_rate("following", followed));
    report.row(Row::rate("rebuild, events", rebuilt).against_rate("UNNEST", inserted.rate));
    report.remark(format!(
        "{head} commits of one event each, {} tasks",
        ids.len()
    ));
    report.remark(
        "each commit of a rebuild writes a row of the mirror and a current row, from the second on \
         a row of history as well; the bare insert writes one row without further indexes",
    );
    report.remark(format!(
        "rebuilds per s, of which the median: {}",
        all.join(", ")
    ));
    report.remark(spent.per(head.0 as f64, "commit"));
    Ok(report)
}

/// How many commits per second one rebuild takes in, and the CPU time of all that takes part.
async fn rebuilt(world: &World, head: Position) -> Result<(f64, Spent)> {
    let mut processes = vec![("projector", std::process::id())];
    processes.extend(world.processes()?);
    let log: SharedLog = Arc::new(world.followed.clone());
    let before = Cpu::now(&processes)?;
    let began = Instant::now();
    let (owner, writer) = (&world.owner, &world.writer);
    let reached = projections::rebuild_into(&log, owner, writer, "bench_rebuilt", |_| {});
    let reached = reached.await?;
    let rate = rate(head.0 as usize, began);
    ensure!(
        reached == head,
        "rebuilt up to {reached:?}, but the log ends at {head:?}"
    );
    Ok((rate, before.since(&processes)?))
}
