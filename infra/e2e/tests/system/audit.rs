//! The audit against the log: who did what is in both.
//!
//! Invariant: looked at when all tests have ended, so it is held for whatever they did: also for
//! requests whose client left, and for those that many sent at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use domain::{Actor, TenantId};
use event_log::{Entry, EventLog as _, JetStreamLog, Options, Position, Role};
use futures::StreamExt as _;
use serde_json::Value;

use crate::harness::{Api, Dev, until};

/// Longer than a record takes to be a row.
const LIMIT: Duration = Duration::from_secs(20);

/// What a command of a person has written.
#[derive(Debug, Default)]
struct Written {
    actor: String,
    positions: BTreeSet<u64>,
}

/// Each command of a person that has written something has exactly one record that says so, with
/// the same actor; where its client left before the answer, one that says that.
pub async fn every_commit_of_a_person_has_its_record(dev: &Dev) -> Result<()> {
    let admin = dev.admin().await?;
    // Of a test that only looked there would be nothing to compare.
    admin.position_after_mark().await?;
    let commands = commands(dev).await?;
    let records = until("every commit to have its record", LIMIT, async || {
        let records = export(&admin).await?;
        let missing = missing(&commands, &records).count();
        Ok((missing == 0).then_some(records))
    });
    let records = match records.await {
        Ok(records) => records,
        Err(late) => {
            let records = export(&admin).await?;
            let first: Vec<_> = missing(&commands, &records).take(3).collect();
            bail!("{late:#}: {first:?}");
        }
    };
    let mut said = 0;
    for record in records.iter().filter(|record| record["position"].is_u64()) {
        let command = record["command_id"].as_str().context("a command")?;
        let position = record["position"].as_u64().context("a position")?;
        // What was written after the log was read is not known here.
        let Some(written) = commands.get(command) else {
            continue;
        };
        let holds = written.positions.contains(&position);
        ensure!(holds, "no such commit: {record}");
        said += 1;
    }
    println!(
        "{} commands of people, {said} of them answered",
        commands.len()
    );
    Ok(())
}

/// The commands that no record speaks of, or more than one, or one of somebody else.
fn missing<'a>(
    commands: &'a BTreeMap<String, Written>,
    records: &'a [Value],
) -> impl Iterator<Item = (&'a String, &'a Written, Vec<&'a Value>)> {
    let mut of: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for record in records {
        if let Some(command) = record["command_id"].as_str() {
            of.entry(command).or_default().push(record);
        }
    }
    commands.iter().filter_map(move |(command, written)| {
        let told = of.get(command.as_str()).cloned().unwrap_or_default();
        let says = |record: &&&Value| record["position"].is_u64();
        let mut saying = told.iter().filter(says);
        let is_right = match (saying.next(), saying.next()) {
            (Some(one), None) => one["actor"] == written.actor.as_str(),
            (None, _) => told.iter().any(|record| record["result"] == "failed"),
            _ => false,
        };
        (!is_right).then_some((command, written, told))
    })
}

/// What people have had written, by command.
async fn commands(dev: &Dev) -> Result<BTreeMap<String, Written>> {
    let options = Options {
        accept_interval_sync: false,
        group_commit: false,
        monitor_url: dev.json.monitor.clone(),
        replicas: 1,
        role: Role::Analyst,
        url: dev.json.nats.clone().into(),
    };
    let log = JetStreamLog::open(&options).await?;
    let head = log.head().await?.position;
    let mut entries = log.follow(Position(0)).await?;
    let mut commands = BTreeMap::<String, Written>::new();
    while let Some(entry) = entries.next().await {
        let entry = entry?;
        let position = entry.position();
        if let Entry::Commit(commit) = entry
            && !matches!(commit.meta.actor, Actor::System(_))
            // Other tenants' records are for their own administrators.
            && commit.stream.tenant == TenantId::MAIN
        {
            let written = commands.entry(commit.meta.command.to_string());
            let written = written.or_default();
            written.actor = commit.meta.actor.to_string();
            written.positions.insert(position.0);
        }
        if position >= head {
            ensure!(!commands.is_empty(), "nobody has done anything");
            return Ok(commands);
        }
    }
    bail!("the log ended")
}

/// All records, which must be all that the last line says.
async fn export(admin: &Api) -> Result<Vec<Value>> {
    let export = admin.get("/audit/export").await?.expect(200)?.text();
    let lines: serde_json::Result<Vec<Value>> = export.lines().map(serde_json::from_str).collect();
    let mut lines = lines?;
    let last = lines.pop().context("an export has a last line")?;
    let count = last["manifest"]["count"].as_u64();
    ensure!(
        count == Some(lines.len() as u64),
        "{last} of {}",
        lines.len()
    );
    Ok(lines)
}
