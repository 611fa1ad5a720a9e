//! Appending to the log: one by one against group commit, and both against server and disk.
//!
//! Invariant: the two ways take turns, round by round, so that a slow moment of the disk hits both.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use event_log::{EventLog as _, JetStreamLog};

use crate::{
    bare,
    fixture::Author,
    load::{self, Measured, Scale, Step},
    machine::{Cpu, Spent},
    report::{Report, Row},
    world::World,
};

/// How many append at once.
const CONCURRENCY: [usize; 7] = [1, 4, 8, 16, 32, 64, 256];

/// One writer: as soon as a commit is stored it appends another.
pub struct Appends {
    author: Author,
    log: Arc<JetStreamLog>,
}

/// The two ways at one concurrency.
struct Compared {
    grouped: Measured,
    one_by_one: Measured,
    spent: Spent,
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
        let stored = self.log.append(self.author.birth()).await;
        stored.context("appending")?;
        Ok(())
    }
}

/// Measures.
pub async fn run(scale: Scale) -> Result<Report> {
    let world = World::start().await?;
    let scale = scale.halved();
    let payload = world.author.birth().payload;
    let mut bare = bare::nats::Bare::connect(&world.servers().nats.url(), payload).await?;
    let one_by_one = Arc::new(world.log(false).await?);
    let grouped = Arc::new(world.log(true).await?);
    let mut report = Report::new("append (first commits of new tasks, durable)");
    let disk = bare::disk::synced_writes(scale).await?;
    report.row(Row::of("disk: fdatasync of 8 KiB in turn", &disk));
    let files = bare::disk::batch_files(scale).await?;
    report.row(Row::of(
        "disk: the files of an atomic batch in turn",
        &files,
    ));
    let (mut gains, mut allowed) = (Vec::new(), Vec::new());
    for count in CONCURRENCY {
        let singles = bare.singles(count, scale).await?;
        let batches = bare.batches(count, scale).await?;
        let better = singles.rate.max(batches.rate);
        let ours = compare(&world, &one_by_one, &grouped, count, scale).await?;
        report.row(
            Row::of(format!("bare publishes, {count} in flight"), &singles)
                .against_rate("disk", disk.rate),
        );
        report.row(Row::of(format!("bare atomic batches of {count}"), &batches));
        report.row(
            Row::of(format!("one by one, {count} writers"), &ours.one_by_one)
                .against_rate("bare publishes", singles.rate),
        );
        report.row(
            Row::of(format!("group commit, {count} writers"), &ours.grouped)
                .against_rate("the better bare way", better),
        );
        let commits = ours.grouped.rate * scale.whole().as_secs_f64();
        report.remark(
            ours.spent
                .per(commits, &format!("commit, grouped, {count} writers")),
        );
        allowed.push(format!("{count}: {:.2}", better / singles.rate));
        gains.push(format!(
            "{count}: {:.2}",
            ours.grouped.rate / ours.one_by_one.rate
        ));
    }
    let gains = gains.join(", ");
    report.remark(format!("group commit ÷ one by one, by writers: {gains}"));
    let allowed = allowed.join(", ");
    report.remark(format!(
        "what the bare server allows: the better way ÷ publishes in flight: {allowed}"
    ));
    report.remark("goals: never below 1 (beyond noise), 1.8 at 64 writers, 2.5 at 256");
    Ok(report)
}

async fn compare(
    world: &World,
    one_by_one: &Arc<JetStreamLog>,
    grouped: &Arc<JetStreamLog>,
    count: usize,
    scale: Scale,
) -> Result<Compared> {
    let mut processes = vec![("writers", std::process::id())];
    processes.extend(world.processes()?);
    let (mut singly, mut together, mut spent) = (Vec::new(), Vec::new(), None);
    for round in 0..load::ROUNDS {
        // Each is the first as often: a disk that slows down or recovers favours neither.
        for one in [round % 2 == 0, round % 2 != 0] {
            let log = if one { one_by_one } else { grouped };
            let actors = writers(&world.author, log, count);
            let before = Cpu::now(&processes)?;
            let measured = load::closed_loop(scale, actors).await?;
            if one {
                singly.push(measured);
            } else {
                together.push(measured);
                spent = Some(before.since(&processes)?);
            }
        }
    }
    Ok(Compared {
        grouped: load::median(together)?,
        one_by_one: load::median(singly)?,
        spent: spent.context("no round was measured")?,
    })
}
