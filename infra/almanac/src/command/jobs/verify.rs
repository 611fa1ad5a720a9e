//! `almanac jobs verify`
//!
//! Invariant: what was owed comes from the log alone; the read models are only held against it.

use std::{
    io::{IsTerminal as _, stdout},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use domain::{
    Timestamp,
    job::{LedgerSlot, audit},
};
use event_log::{EventLog as _, Position, Role};
use futures::StreamExt as _;
use projections::{
    Overview,
    slots::{self, Period},
};
use tokio::time::Instant;

use super::{
    certificate::Certificate,
    facts::{JobKey, Log},
};
use crate::{cli::VerifyJobs, command::progress::Progress, roles};

/// How long a slot may wait to be decided, in milliseconds.
const PATIENCE_MS: i64 = 30_000;
/// How long the read models may need to reach the end of the log.
const CATCH_UP: Duration = Duration::from_secs(30);
/// How many slots are read at a time.
const PAGE: u32 = 1_000;

pub(super) async fn run(asked: VerifyJobs) -> Result<ExitCode> {
    let (nats, postgres) = asked.place.servers()?;
    let log = roles::open_log(&nats, Role::Analyst).await?;
    let overview = Overview::of_everything(&postgres).await?;
    let now = runtime::Clock::system().now();
    let until = asked.to.unwrap_or(now).min(now);
    let after = asked.from.map(|from| from.plus_ms(-1));
    let head = log.head().await.context("the log does not answer")?;
    let mut told = Log::of(asked.job);
    let mut progress = Progress::begin();
    let mut parts = log.scan(Position(0), head.position).await?;
    while let Some(part) = parts.next().await {
        for entry in &part.context("the log could not be read")? {
            told.take(entry);
            progress.tell(entry.position().0, head.position.0);
        }
    }
    progress.end();
    wait_for(&overview, head.position).await?;
    let mut certificate = Certificate {
        from: asked.from,
        to: until,
        position: head.position.0,
        program: env!("CARGO_PKG_VERSION"),
        ..Certificate::default()
    };
    for (job, slot) in &told.strays {
        let detail = "it is decided on the subject of another task".to_owned();
        certificate.fault(*job, Some(*slot), "stray", detail);
    }
    for (job, facts) in &told.jobs {
        let born = facts.events.first().map(|(at, _)| at.plus_ms(-1));
        let first = facts.decisions.keys().next().map(|slot| slot.plus_ms(-1));
        let after = after.or([born, first].into_iter().flatten().min());
        let period = Period {
            after: after.unwrap_or_default(),
            until,
        };
        let looked = audit::Period {
            after: period.after,
            patience_ms: PATIENCE_MS,
            until,
        };
        let Some(found) = audit::audit(job.1, facts, looked) else {
            let detail = "a schedule that it had cannot be looked at minute by minute".to_owned();
            certificate.fault(*job, None, "unverified", detail);
            continue;
        };
        let ledger = ledger(&overview, *job, period).await?;
        certificate.add(*job, &found, &ledger);
    }
    certificate.conclude();
    print(&certificate, told.unreadable)?;
    Ok(ExitCode::from(u8::from(!certificate.holds)))
}

/// Waits until the read models hold all that was read of the log.
async fn wait_for(overview: &Overview, position: Position) -> Result<()> {
    let deadline = Instant::now() + CATCH_UP;
    loop {
        let reached = slots::reached(overview).await?;
        if reached >= position {
            return Ok(());
        }
        if Instant::now() >= deadline {
            bail!(
                "the read models are at position {} of {} → almanac projections status",
                reached.0,
                position.0
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// All of a job's ledger in the period; nothing if the read models do not know the job.
async fn ledger(overview: &Overview, job: JobKey, period: Period) -> Result<Vec<LedgerSlot>> {
    let (tenant, id) = job;
    let mut slots = Vec::new();
    let mut period = period;
    loop {
        let page = slots::ledger_of_any(overview, tenant, id, period, PAGE).await?;
        let Some(page) = page.value else {
            return Ok(slots);
        };
        slots.extend(page.items);
        match page.next {
            Some(last) => period.after = last.slot,
            None => return Ok(slots),
        }
    }
}

fn print(certificate: &Certificate, unreadable: u64) -> Result<()> {
    if !stdout().is_terminal() {
        println!("{}", serde_json::to_string_pretty(certificate)?);
        return Ok(());
    }
    for fault in &certificate.faults {
        let slot = fault
            .slot
            .map_or(String::new(), |slot: Timestamp| format!(" {slot}"));
        println!("✖ job {}{slot}: {}", fault.job, fault.detail);
    }
    let unlisted = certificate.faults_total - certificate.faults.len() as u64;
    if unlisted > 0 {
        println!("✖ and {unlisted} more");
    }
    let mark = if certificate.holds { '✔' } else { '✖' };
    println!(
        "{mark} {} slots of {} jobs up to {}: {} fired, {} skipped, {} open, {} faults",
        certificate.owed,
        certificate.jobs,
        certificate.to,
        certificate.fired,
        certificate.skipped.values().sum::<u64>(),
        certificate.open,
        certificate.faults_total
    );
    for (reason, count) in &certificate.skipped {
        println!("  {count} skipped: {}", reason.name());
    }
    if unreadable > 0 {
        println!("  {unreadable} commits could not be read → almanac projections parked list");
    }
    Ok(())
}
