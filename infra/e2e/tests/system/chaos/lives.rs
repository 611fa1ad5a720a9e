//! The life of every task, told by the log alone.
//!
//! Invariant: one attempt at a time, ended by the worker that had begun it or in its name by who
//! found it gone; nothing but a refused result comes after the end.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use domain::{AggregateKind, TaskId, task::TaskEvent};
use event_log::{Entry, EventLog as _, JetStreamLog, Options, Position, Role};
use futures::StreamExt as _;

use crate::harness::Roles;

/// What the log says of all tasks.
#[derive(Debug, Default)]
pub struct Told {
    pub cancelled: usize,
    /// How each task ended.
    pub ends: BTreeMap<TaskId, &'static str>,
    /// Attempts whose worker was found gone.
    pub lost: usize,
    /// Results that came too late.
    pub refused: usize,
}

/// A task so far.
#[derive(Debug, Default)]
struct Life {
    end: Option<&'static str>,
    /// The attempt under way, and whose it is.
    running: Option<(u32, String)>,
}

/// The log, to be read alone.
pub async fn open(roles: &Roles) -> Result<JetStreamLog> {
    let options = Options {
        accept_interval_sync: false,
        group_commit: false,
        monitor_url: roles.servers.nats.monitor_url(),
        replicas: 1,
        role: Role::Analyst,
        url: roles.servers.nats.url_of("analyst")?.into(),
    };
    Ok(JetStreamLog::open(&options).await?)
}

/// What the log says by now.
pub async fn judge(log: &JetStreamLog) -> Result<Told> {
    let head = log.head().await?.position;
    let mut entries = log.follow(Position(0)).await?;
    let (mut lives, mut told) = (BTreeMap::<TaskId, Life>::new(), Told::default());
    let mut last = Position(0);
    while last < head {
        let entry = entries.next().await.context("the log ended")??;
        last = entry.position();
        let Entry::Commit(commit) = entry else {
            bail!("an unreadable message at {last}");
        };
        if commit.stream.kind != AggregateKind::Task {
            continue;
        }
        let id = TaskId::new(commit.stream.id);
        let life = lives.entry(id).or_default();
        for event in schemas::catalogue::decode::<TaskEvent>(&commit.payload)? {
            follow(life, &event, &mut told)
                .with_context(|| format!("{id} at {last}: {event:?}"))?;
        }
    }
    let ends = lives.iter().filter_map(|(id, life)| Some((*id, life.end?)));
    told.ends = ends.collect();
    Ok(told)
}

fn follow(life: &mut Life, event: &TaskEvent, told: &mut Told) -> Result<()> {
    if let TaskEvent::ResultRefused(_) = event {
        told.refused += 1;
        return Ok(());
    }
    ensure!(life.end.is_none(), "after its end: {life:?}");
    match event {
        TaskEvent::Started(begun) => {
            let before = life.running.replace((begun.attempt, begun.worker.clone()));
            ensure!(before.is_none(), "beside another attempt: {before:?}");
        }
        TaskEvent::AttemptFailed(failed) => {
            ended(life, failed.attempt, &failed.worker)?;
            told.lost += usize::from(failed.error.code == "worker_lost");
        }
        TaskEvent::HandedBack(back) => ended(life, back.attempt, &back.worker)?,
        TaskEvent::Succeeded(done) => {
            ended(life, done.attempt, &done.worker)?;
            life.end = Some("succeeded");
        }
        TaskEvent::Cancelled(_) => {
            life.running = None;
            life.end = Some("cancelled");
            told.cancelled += 1;
        }
        TaskEvent::Died(_) => life.end = Some("dead"),
        TaskEvent::Failed(_) => life.end = Some("failed"),
        TaskEvent::TimedOut(_) => life.end = Some("timed out"),
        TaskEvent::SlotSkipped(_) => life.end = Some("skipped"),
        _ => {}
    }
    Ok(())
}

fn ended(life: &mut Life, attempt: u32, worker: &str) -> Result<()> {
    let running = life.running.take();
    let is_theirs = running
        .as_ref()
        .is_some_and(|(number, whose)| *number == attempt && whose == worker);
    ensure!(is_theirs, "by {worker}, where {running:?} runs");
    Ok(())
}
