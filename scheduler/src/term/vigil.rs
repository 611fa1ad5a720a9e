//! Finds attempts whose worker is gone, and ends them for it.
//!
//! Invariant: that happens only to an attempt whose worker was missing twice in a row, some seconds
//! apart, and did not answer either time; should it live after all, the log refuses what it has to
//! say.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use commands::{Ask, CommandError, Commands};
use domain::{
    Actor, CommandId,
    task::{Task, TaskCommand},
};
use event_log::{LogError, Presence, Version, WorkItem, WorkQueue};
use schemas::LeaseEntry;

use crate::{Services, handlers::error, index::Held};

/// How long an attempt is left alone, in milliseconds: its worker may only now say that it is at
/// it.
pub const YOUNG_MS: i64 = 10_000;

/// Who was missing when it was looked last.
#[derive(Clone)]
pub struct Vigil {
    commands: Commands,
    leased: Presence,
    missing: Arc<Mutex<HashSet<Held>>>,
    work: WorkQueue,
    workers: Presence,
}

impl Vigil {
    /// A vigil that has not looked yet.
    pub fn new(services: &Services) -> Self {
        Self {
            commands: services.commands.clone(),
            leased: services.leased.clone(),
            missing: Arc::default(),
            work: services.work.clone(),
            workers: services.workers.clone(),
        }
    }

    /// Looks after `running`, and ends those that were missing before as well.
    pub async fn look(self, running: Vec<Held>) {
        // While nobody can be asked, nobody is missing.
        let missing = self.missing(running).await.unwrap_or_default();
        let before = {
            let mut known = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *known, missing.clone())
        };
        for held in missing.intersection(&before) {
            self.end(held).await;
        }
    }

    /// Those of `running` whose worker is not there and does not answer.
    async fn missing(&self, running: Vec<Held>) -> Result<HashSet<Held>, LogError> {
        let mut missing = HashSet::new();
        if running.is_empty() {
            return Ok(missing);
        }
        let there = self.workers.all().await?.into_iter();
        let there = there.map(|present| present.key);
        let outside = self.leased.all().await?.into_iter();
        let outside = outside.filter_map(|present| {
            let lease: LeaseEntry = serde_json::from_slice(&present.value).ok()?;
            Some(lease.worker)
        });
        let there: HashSet<_> = there.chain(outside).collect();
        for held in running {
            if !there.contains(&held.worker) && !self.answers(&held).await {
                missing.insert(held);
            }
        }
        Ok(missing)
    }

    async fn answers(&self, held: &Held) -> bool {
        if commands::is_outside(&held.worker) {
            return false;
        }
        let (tenant, task) = held.key;
        let item = WorkItem {
            attempt: held.attempt,
            kind: String::new(),
            task,
            tenant,
            // It is asked for the attempt, whatever had it made.
            version: Version(0),
        };
        self.work.is_at(&held.worker, &item).await
    }

    async fn end(&self, held: &Held) {
        let (tenant, task) = held.key;
        let command = TaskCommand::Fail {
            attempt: held.attempt,
            error: error("worker_lost", "the worker that ran it is gone", true),
            id: task,
            worker: held.worker.clone(),
        };
        let actor = Actor::System("scheduler".to_owned());
        let id = CommandId::new(self.commands.ids().next());
        let ask = Ask::new(actor, tenant, task.uuid(), id);
        match self.commands.execute::<Task>(ask, command).await {
            Ok(_) => tracing::warn!(%task, %tenant, lost = %held.worker,
                "a worker is gone: its attempt is ended for it"),
            // It has ended meanwhile, or it is found again by the next look.
            Err(CommandError::Rejected(_)) => {}
            Err(reason) => tracing::warn!(%task, %tenant, %reason, "cannot end an attempt"),
        }
    }
}
