//! Somebody looks after a commit that no program can read.
//!
//! Invariant: nothing is stored about what is not parked, and what comes of a decision is told as
//! it is; at the end all proofs hold.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use domain::{Actor, AggregateKind, CommandId, TenantId};
use event_log::{
    EventLog as _, JetStreamLog, NewCommit, Options, Position, ReadFrom, Role, StreamId, seal,
};
use serde_json::{Value, json};

use crate::harness::{DataDir, Dev, almanac, until};

const LIMIT: Duration = Duration::from_secs(20);
/// What no program knows, and what somebody who does has written after it.
const EVENTS: [&str; 2] = [
    r#"{"type":"resource.exploded","v":1,"data":{}}"#,
    r#"{"type":"resource.updated","v":1,"data":{"name":"later"}}"#,
];

pub async fn what_is_parked_is_mended_from_the_command_line() -> Result<()> {
    let data = DataDir::new()?;
    let dev = Dev::start("parked", &data, &[]).await?;
    let folder = data.path().display().to_string();
    let parked = async |args: &[&str]| {
        let args = [&["projections", "parked"], args, &["--data-dir", &folder]].concat();
        almanac(&args).await
    };
    let list = async || -> Result<Value> {
        let listed = parked(&["list"]).await?.succeeded()?.stdout;
        Ok(serde_json::from_str(&listed)?)
    };
    let admin = dev.admin().await?;
    let mark = json!({"type": "mark", "name": "first"});
    let made = admin.post("/resources", &mark).await?.expect(201)?;
    let id = made.string("/id")?;
    let spoiled = spoil(&dev, &id).await?;
    let position = spoiled.to_string();
    let found = until("what is parked", LIMIT, async || {
        let mut listed = list().await?;
        let heads = listed["parked"].as_array().context("a list")?;
        let is_all = heads.iter().any(|head| head["behind"] == 1);
        Ok(is_all.then(|| listed["parked"][0].take()))
    });
    let found = found.await?;
    ensure!(found["position"] == json!(spoiled), "{found}");
    ensure!(found["id"] == id.as_str(), "{found}");

    let told = [
        (&["retry", "1"][..], "nothing is parked at position 1"),
        (
            &["skip", &position, "--reason", " "],
            "a reason has 1 to 500",
        ),
    ];
    for (args, told) in told {
        let run = parked(args).await?;
        ensure!(run.code == 1 && run.one_line()?.contains(told), "{run:?}");
    }
    let run = parked(&["retry", &position]).await?;
    let said: Value = serde_json::from_str(&run.stdout)?;
    ensure!(run.code == 1 && said["applied"] == 0, "{run:?}");
    ensure!(said["parked"]["behind"] == 1, "{said}");
    let path = format!("/resources/{id}");
    let stale = admin.get(&path).await?.expect(200)?;
    ensure!(stale.header("consistency")? == "stale", "{stale:?}");

    let run = parked(&["skip", &position, "--reason", "a test's"]).await?;
    let said: Value = serde_json::from_str(&run.succeeded()?.stdout)?;
    ensure!(said["applied"] == 1 && said["parked"].is_null(), "{said}");
    let again = parked(&["skip", &position, "--reason", "another"]).await?;
    ensure!(again.one_line()?.contains("left out already: a test's"));
    let listed = list().await?;
    let left_out = &listed["skipped"][0]["skipped"];
    ensure!(listed["parked"] == json!([]), "{listed}");
    ensure!(left_out["by"] == "system:cli" && left_out["reason"] == "a test's");

    // It is read as it is, and takes commands again.
    let shown = admin.get(&path).await?.expect(200)?;
    ensure!(shown.header("consistency").is_err(), "{shown:?}");
    ensure!(shown.string("/name")? == "later");
    let change = json!({"name": "last"}).to_string().into_bytes();
    let asked = admin
        .ask("PATCH", &path)?
        .header("content-type", "application/merge-patch+json");
    let changed = asked.body(change).send().await?.expect(200)?;
    ensure!(changed.json()?["version"] == 4, "{changed:?}");
    dev.finish().await
}

/// Writes straight to the log what makes the resource `id` wait; says where.
async fn spoil(dev: &Dev, id: &str) -> Result<Position> {
    let options = Options {
        accept_interval_sync: false,
        group_commit: false,
        monitor_url: dev.json.monitor.clone(),
        replicas: 1,
        role: Role::Owner,
        url: dev.json.owner.clone().into(),
    };
    let log = JetStreamLog::open(&options).await?;
    let stream = StreamId {
        tenant: TenantId::MAIN,
        kind: AggregateKind::Resource,
        id: id.parse()?,
    };
    let commits = log.load(stream, Position(0), ReadFrom::Leader).await?;
    let last = commits.last().context("the resource is there")?;
    let (mut meta, mut expected) = (last.meta.clone(), last.position);
    meta.actor = Actor::System("test".to_owned());
    for (number, event) in EVENTS.into_iter().enumerate() {
        let payload = format!(r#"{{"events":[{event}]}}"#).into_bytes();
        let command: CommandId = format!("01990000-0000-7000-8000-{number:012}").parse()?;
        meta.command = command;
        meta.previous = meta.hash;
        meta.version = meta.version.next();
        meta.hash = seal(stream, &meta, &payload);
        let commit = NewCommit {
            expected,
            meta: meta.clone(),
            payload,
            stream,
        };
        expected = log.append(commit).await?;
    }
    Ok(Position(expected.0 - 1))
}
