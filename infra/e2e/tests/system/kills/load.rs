//! Sixteen clients that create as fast as they are answered.
//!
//! Invariant: every create has a name that nothing else has, which is its idempotency key as well,
//! and its content follows from its name; so asking again is the same request.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result};
use e2e::{Journal, Outcome};
use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{Answer, Api, Ask};

const CLIENTS: u64 = 16;

/// Clients at work.
#[derive(Debug)]
pub struct Load {
    acknowledged: Arc<AtomicU64>,
    clients: JoinSet<Result<()>>,
}

/// What a name asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// What the system must refuse.
    Nonsense,
    Resource,
    Task,
}

impl Load {
    /// Each client goes on until it is left without a clear answer.
    pub fn start(api: &Api, journal: &Journal, round: u64) -> Self {
        let acknowledged = Arc::new(AtomicU64::new(0));
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let (api, journal) = (api.clone(), journal.clone());
            let acknowledged = Arc::clone(&acknowledged);
            clients.spawn(async move {
                for number in 0_u64.. {
                    let kind = Kind::ALL[((client + number) % 5) as usize];
                    let name = format!("{}-{round}-{client}-{number}", kind.word());
                    journal.invoked(&name).await?;
                    let outcome = outcome(kind.ask(&api, &name)?.send().await);
                    journal.returned(&name, outcome).await?;
                    match outcome {
                        Outcome::Acknowledged => acknowledged.fetch_add(1, Ordering::Relaxed),
                        Outcome::Refused => continue,
                        Outcome::Unknown => break,
                    };
                }
                Ok(())
            });
        }
        Self {
            acknowledged,
            clients,
        }
    }

    /// How many creates were acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits until every client has noticed.
    pub async fn ended(mut self) -> Result<()> {
        while let Some(client) = self.clients.join_next().await {
            client??;
        }
        Ok(())
    }
}

impl Kind {
    /// As often as they are asked for.
    const ALL: [Self; 5] = [
        Self::Resource,
        Self::Task,
        Self::Resource,
        Self::Nonsense,
        Self::Task,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Nonsense => "nonsense",
            Self::Resource => "resource",
            Self::Task => "task",
        }
    }

    /// The kind that a name was made for.
    pub fn of(name: &str) -> Self {
        match name.split('-').next() {
            Some("nonsense") => Self::Nonsense,
            Some("task") => Self::Task,
            _ => Self::Resource,
        }
    }

    /// The request that `name` stands for.
    pub fn ask(self, api: &Api, name: &str) -> Result<Ask> {
        let (list, body) = match self {
            Self::Nonsense => (
                "/resources",
                json!({"type": "kills", "name": name, "odd": 1}),
            ),
            Self::Resource => ("/resources", json!({"type": "kills", "name": name})),
            Self::Task => ("/tasks", json!({"kind": "echo", "payload": {"name": name}})),
        };
        let ask = api.ask("POST", list)?.header("idempotency-key", name);
        Ok(ask.json(&body))
    }
}

/// How often each name exists, as it is after `seen`.
pub async fn found(api: &Api, seen: &Answer) -> Result<BTreeMap<String, usize>> {
    let resources = api.list_after("/resources", seen).await?;
    let tasks = api.list_after("/tasks", seen).await?;
    let names = resources.iter().map(|resource| &resource["name"]);
    let names = names.chain(tasks.iter().map(|task| &task["payload"]["name"]));
    let mut found = BTreeMap::new();
    for name in names {
        let name = name.as_str().context("everything here has a name")?;
        *found.entry(name.to_owned()).or_insert(0) += 1;
    }
    Ok(found)
}

/// A 5xx may leave it open whether something is stored; only a 4xx is a clear no.
fn outcome(answer: Result<Answer>) -> Outcome {
    match answer.map(|answer| answer.status) {
        Ok(201) => Outcome::Acknowledged,
        Ok(400..=499) => Outcome::Refused,
        _ => Outcome::Unknown,
    }
}
