//! Proving the log: hashes, chains and the tree over all of it.
//!
//! Invariant: what is proven holds, and every figure is of the same commits.

use std::{sync::Arc, time::Instant};

use anyhow::{Result, ensure};
use event_log::{Against, EventLog, Frontier, Position, leaf, prove};
use futures::StreamExt as _;

use crate::{
    bare::consumer,
    filling,
    load::rate,
    machine::Cpu,
    report::{Report, Row},
    world::World,
};

/// How many entries are digested in memory to see what that alone costs.
const DIGESTED: usize = 20_000;

/// Measures on a log of `commits`.
pub async fn run(commits: usize) -> Result<Report> {
    let world = World::start().await?;
    filling::lives(&world, commits).await?;
    let head = world.log.head().await?.position;
    let bare = consumer::read(&world.servers().nats.url(), "EVENTS", head.0).await?;
    let followed = world.follow_rate(head).await?;
    let log: Arc<dyn EventLog> = Arc::new(world.read_by_analyst().await?);
    let began = Instant::now();
    let mut parts = log.scan(Position(0), head).await?;
    let (mut scanned, mut sample) = (0, Vec::new());
    while let Some(part) = parts.next().await {
        let part = part?;
        scanned += part.len();
        if sample.len() < DIGESTED {
            sample.extend(part);
        }
    }
    let read = rate(scanned, began);
    let began = Instant::now();
    let mut tree = Frontier::default();
    for entry in &sample {
        tree.push(&leaf(entry).0);
    }
    let digested = rate(sample.len(), began);
    let mut processes = vec![("bench", std::process::id())];
    processes.extend(world.processes()?);
    let before = Cpu::now(&processes)?;
    let began = Instant::now();
    let proof = prove(&*log, &Against::default(), |_, _| {}).await?;
    let proven = rate(head.0 as usize, began);
    let spent = before.since(&processes)?;
    ensure!(
        proof.holds() && proof.commits == head.0,
        "a log that was just written does not hold: {proof:?}"
    );
    let mut report = Report::new("verify (every hash, chain and the tree over the log)");
    report.row(Row::rate("bare: a consumer, counting messages", bare));
    report.row(Row::rate("following the log, commits", followed).against_rate("bare", bare));
    report.row(Row::rate("reading it in parts, commits", read).against_rate("bare", bare));
    report.row(Row::rate("digesting on one core, commits", digested));
    report.row(Row::rate("verify, commits", proven).against_rate("bare", bare));
    report.remark(format!("{head} commits of one event each"));
    report.remark(spent.per(head.0 as f64, "commit"));
    Ok(report)
}
