//! `almanac events show`
//!
//! Invariant: everything that is stored of a commit is shown as it is stored; what was sealed stays
//! so.

use std::{
    io::{IsTerminal as _, stdout},
    process::ExitCode,
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use event_log::{
    Commit, Entry, EventLog, Hash, LogError, Position, ReadFrom, Unreadable, Version, leaf,
};
use schemas::catalogue::{EventRecord, decode_records};
use serde::Serialize;
use uuid::Uuid;

use crate::{cli::ShowCommit, events::bounds::one};

/// A commit, whole.
#[derive(Serialize)]
struct Shown {
    position: u64,
    tenant: Uuid,
    kind: &'static str,
    id: Uuid,
    version: u64,
    time: String,
    actor: String,
    command: Uuid,
    correlation: Uuid,
    causation: Option<Uuid>,
    fingerprint: Option<String>,
    traceparent: Option<String>,
    previous: String,
    hash: String,
    /// Whether the hash is that of the contents.
    hash_holds: bool,
    /// Whether version and previous are those that follow the aggregate's commit before.
    chain_holds: bool,
    events: Vec<EventRecord>,
    /// Why there are no events.
    #[serde(skip_serializing_if = "Option::is_none")]
    undecodable: Option<String>,
    /// What is stored, if there are no events.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
}

pub(super) async fn run(asked: ShowCommit) -> Result<ExitCode> {
    let log = super::open(&asked.place).await?;
    let position = Position(asked.position);
    let head = log.head().await?.position;
    ensure!(
        position <= head,
        "there is no position {position}: the log ends at {head}"
    );
    let found = one(&log, position).await?;
    match found.with_context(|| format!("position {position} is missing → almanac log verify"))? {
        Entry::Commit(commit) => {
            let chain_holds = goes_on(&log, &commit).await?;
            let shown = Shown::of(commit, chain_holds);
            let holds = shown.hash_holds && shown.chain_holds;
            if stdout().is_terminal() {
                shown.print();
            } else {
                println!("{}", serde_json::to_string(&shown)?);
            }
            Ok(ExitCode::from(u8::from(!holds)))
        }
        Entry::Unreadable(Unreadable {
            subject,
            payload,
            reason,
            ..
        }) => {
            println!(
                "{}",
                serde_json::json!({
                    "position": position.0,
                    "subject": subject,
                    "unreadable": reason,
                    "payload_base64": STANDARD.encode(payload),
                })
            );
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Whether a commit follows the one before it.
async fn goes_on(log: &dyn EventLog, commit: &Commit) -> Result<bool> {
    let loaded = log.load(commit.stream, Position(0), ReadFrom::Any).await;
    let commits = match loaded {
        Ok(commits) => commits,
        // Its history cannot be told.
        Err(LogError::Unreadable { .. }) => return Ok(false),
        Err(failure) => return Err(failure.into()),
    };
    let mut before = commits
        .iter()
        .rev()
        .skip_while(|other| other.position >= commit.position);
    let before = before
        .next()
        .map(|before| (before.meta.version, before.meta.hash));
    let (version, hash) = before.unwrap_or((Version(0), Hash::ZERO));
    Ok((commit.meta.version, commit.meta.previous) == (version.next(), hash))
}

impl Shown {
    fn of(commit: Commit, chain_holds: bool) -> Self {
        let entry = Entry::Commit(commit.clone());
        let Commit {
            meta,
            payload,
            position,
            stream,
        } = commit;
        let (events, undecodable) = match decode_records(&payload) {
            Ok(events) => (events, None),
            Err(reason) => (Vec::new(), Some(reason.to_string())),
        };
        let payload = undecodable.is_some().then(|| STANDARD.encode(payload));
        Self {
            position: position.0,
            tenant: stream.tenant.uuid(),
            kind: stream.kind.name(),
            id: stream.id,
            version: meta.version.0,
            time: meta.time.to_string(),
            actor: meta.actor.to_string(),
            command: meta.command.uuid(),
            correlation: meta.correlation,
            causation: meta.causation,
            fingerprint: meta.fingerprint.map(|hash| hash.to_string()),
            traceparent: meta.traceparent,
            previous: meta.previous.to_string(),
            hash: meta.hash.to_string(),
            hash_holds: leaf(&entry) == meta.hash,
            chain_holds,
            events,
            undecodable,
            payload_base64: payload,
        }
    }

    fn print(&self) {
        let absent = || "-".to_owned();
        let mark = |holds| if holds { "✔" } else { "✖" };
        let rows = [
            ("position", self.position.to_string()),
            ("aggregate", format!("{} {}", self.kind, self.id)),
            ("tenant", self.tenant.to_string()),
            ("version", self.version.to_string()),
            ("time", self.time.clone()),
            ("actor", self.actor.clone()),
            ("command", self.command.to_string()),
            ("correlation", self.correlation.to_string()),
            (
                "causation",
                self.causation.map_or_else(absent, |id| id.to_string()),
            ),
            (
                "fingerprint",
                self.fingerprint.clone().unwrap_or_else(absent),
            ),
            (
                "traceparent",
                self.traceparent.clone().unwrap_or_else(absent),
            ),
            (
                "previous",
                format!("{} {}", mark(self.chain_holds), self.previous),
            ),
            ("hash", format!("{} {}", mark(self.hash_holds), self.hash)),
        ];
        for (name, value) in rows {
            println!("{name:<12} {value}");
        }
        for event in &self.events {
            println!("\n{}.v{}", event.name, event.v);
            let data: serde_json::Value =
                serde_json::from_str(event.data.get()).unwrap_or_default();
            println!("{data:#}");
        }
        if let Some(reason) = &self.undecodable {
            println!("\n✖ its events cannot be read: {reason}");
        }
    }
}
