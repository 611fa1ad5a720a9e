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
use serde_json::{Value, json};

use crate::harness::{Api, Dev, until};

/// Longer than a record takes to be a row.
const LIMIT: Duration = Duration::from_secs(20);

/// What a command of a person has written.
#[derive(Debug, Default)]
struct Written {
    /// Whether it was for another tenant than the main one.
    abroad: bool,
    actor: String,
    positions: BTreeSet<u64>,
    /// What happened by it.
    types: BTreeSet<String>,
}

/// Each command of a person that has written something has exactly one record that says so, with
/// the same actor, among those of the tenant that it was for and of the main one; where its client
/// left before the answer, one that says that.
pub async fn every_commit_of_a_person_has_its_record(dev: &Dev) -> Result<()> {
    let admin = dev.admin().await?;
    // Of a test that only looked there would be nothing to compare.
    admin.position_after_mark().await?;
    visit(&admin).await?;
    let tenants = enter_all(&admin).await?;
    let commands = commands(dev, &tenants).await?;
    let of_others = commands.values().filter(|written| written.abroad);
    ensure!(of_others.count() > 1, "nothing is known of other tenants");
    let records = until("every commit to have its record", LIMIT, async || {
        let records = export_all(&admin, &tenants).await?;
        let missing = missing(&commands, &records).count();
        Ok((missing == 0).then_some(records))
    });
    let records = match records.await {
        Ok(records) => records,
        Err(late) => {
            let records = export_all(&admin, &tenants).await?;
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
        "{} commands of people in {} tenants, {said} of them answered",
        commands.len(),
        tenants.len() + 1
    );
    Ok(())
}

/// Has a tenant, and somebody of the platform act in it.
async fn visit(admin: &Api) -> Result<()> {
    let wanted = json!({"slug": "audited-last", "name": "Audited", "administrator": {
        "email": "audited-last@example.org", "name": "Ann", "password": "the last one's own",
    }});
    let made = admin.post("/tenants", &wanted).await?.expect(201)?;
    let acting = act(admin, &made.string("/id")?).await?;
    let acting = acting.context("a new tenant is open")?;
    acting.position_after_mark().await?;
    Ok(())
}

/// Every other tenant that is open, and how to act in it.
async fn enter_all(admin: &Api) -> Result<BTreeMap<TenantId, Api>> {
    let marked = json!({"type": "mark", "name": "mark"});
    let marked = admin.post("/resources", &marked).await?.expect(201)?;
    let mut tenants = BTreeMap::new();
    for tenant in admin.list_after("/tenants", &marked).await? {
        let id = tenant["id"].as_str().context("a tenant has an id")?;
        if let Some(acting) = act(admin, id).await? {
            tenants.insert(id.parse()?, acting);
        }
    }
    Ok(tenants)
}

/// A way to act in a tenant; none if nobody acts in it: it is the main one, or suspended.
async fn act(admin: &Api, tenant: &str) -> Result<Option<Api>> {
    let path = format!("/tenants/{tenant}/act");
    let entry = admin.post(&path, &json!({"reason": "the audit"})).await?;
    if entry.status == 409 {
        return Ok(None);
    }
    let token = entry.expect(200)?.string("/access_token")?;
    Ok(Some(admin.with_bearer(&token)))
}

/// What is recorded in the main tenant and in all the others.
async fn export_all(admin: &Api, tenants: &BTreeMap<TenantId, Api>) -> Result<Vec<Value>> {
    let mut records = export(admin).await?;
    for (tenant, acting) in tenants {
        let theirs = export(acting).await;
        records.extend(theirs.with_context(|| format!("the audit of {tenant}"))?);
    }
    Ok(records)
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

/// What people have had written in the main tenant and in `tenants`, by command.
async fn commands(
    dev: &Dev,
    tenants: &BTreeMap<TenantId, Api>,
) -> Result<BTreeMap<String, Written>> {
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
            // Of a tenant that is suspended nothing is shown.
            && (commit.stream.tenant == TenantId::MAIN
                || tenants.contains_key(&commit.stream.tenant))
        {
            // What was asked for at once is a command for each, caused by the request.
            let command = commit.meta.command.uuid();
            let request = commit.meta.causation.unwrap_or(command);
            let written = commands.entry(request.to_string());
            let written = written.or_default();
            written.abroad |= commit.stream.tenant != TenantId::MAIN;
            written.actor = commit.meta.actor.to_string();
            written.positions.insert(position.0);
            let events = schemas::catalogue::decode_records(&commit.payload)?;
            let types = events.into_iter().map(|event| event.name.into_owned());
            written.types.extend(types);
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
