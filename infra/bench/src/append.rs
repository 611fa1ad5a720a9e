//! Appending to the log: one by one against group commit, and both against server and disk.
//!
//! Invariant: the ways are measured in turn, round by round, so that a slow moment of the disk
//! hits all.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use event_log::{EventLog as _, JetStreamLog};

use crate::{
    bare,
    fixture::Author,
    load::{self, Measured, Scale, Step},
    report::{Report, Row},
    world::World,
};

/// How many append at once.
const CONCURRENCY: [usize; 5] = [1, 4, 16, 64, 256];
/// How often each way is measured; the median counts.
const ROUNDS: usize = 3;

/// One writer: as soon as a commit is stored it appends another.
pub struct Appends {
    author: Author,
    log: Arc<JetStreamLog>,
}

/// So many writers on one log.
pub fn writers(author: &Author, log: &Arc<JetStreamLog>, count: usize) -> Vec<Appends> {
    let writer = || Appends {
        author: author.clone(),
        log: Arc::clone(log),
    };
    std::iter::repeat_with(writer).take(count).collect()
}

impl Step for Appends {
    async fn step(&mut self) -> Result<()> {
        self.log
            .append(self.author.birth())
            .await
            .context("appending")?;
        Ok(())
    }
}

/// Measures.
pub async fn run(scale: Scale) -> Result<Report> {
    let world = World::start().await?;
    let author = Author::new();
    let payload = author.birth().payload;
    let mut bare = bare::nats::Bare::connect(&world.servers().nats.url(), payload).await?;
    let one_by_one = Arc::new(world.log(false).await?);
    let grouped = Arc::new(world.log(true).await?);
    let mut report = Report::new("append (first commits of new tasks, durable)");
    let disk = bare::disk::synced_writes(scale).await?;
    report.row(Row::of(
        "disk: fdatasync of 8 KiB, one after the other",
        &disk,
    ));
    let mut gains = Vec::new();
    for count in CONCURRENCY {
        let mut rounds: [Vec<Measured>; 4] = Default::default();
        for _ in 0..ROUNDS {
            rounds[0].push(bare.singles(count, scale).await?);
            rounds[1].push(bare.batches(count, scale).await?);
            let actors = writers(&author, &one_by_one, count);
            rounds[2].push(load::closed_loop(scale, actors).await?);
            let actors = writers(&author, &grouped, count);
            rounds[3].push(load::closed_loop(scale, actors).await?);
        }
        let [singles, batches, one_by_one, grouped] = rounds.map(load::median);
        let (singles, batches, one_by_one, grouped) = (singles?, batches?, one_by_one?, grouped?);
        let bare_name = format!("bare publishes, {count} in flight");
        report.row(Row::of(bare_name, &singles).against_rate("disk", disk.rate));
        report.row(Row::of(format!("bare atomic batches of {count}"), &batches));
        report.row(
            Row::of(format!("one by one, {count} writers"), &one_by_one)
                .against_rate("bare publishes", singles.rate),
        );
        report.row(
            Row::of(format!("group commit, {count} writers"), &grouped)
                .against_rate("the better bare way", singles.rate.max(batches.rate)),
        );
        gains.push(format!("{count}: {:.2}", grouped.rate / one_by_one.rate));
    }
    report.remark(format!(
        "group commit ÷ one by one, by writers: {}",
        gains.join(", ")
    ));
    report.remark("goals: never below 1 (beyond noise), 1.8 at 64 writers, 2.5 at 256");
    Ok(report)
}
