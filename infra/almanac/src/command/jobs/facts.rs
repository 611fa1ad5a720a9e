//! What the log says of jobs and of their slots.
//!
//! Invariant: only what is in the log is here; a slot's decision is the first commit on its task.

use std::collections::BTreeMap;

use domain::{
    AggregateKind, JobId, TaskId, TenantId, Timestamp,
    job::{JobEvent, SlotDecision, audit::Facts},
    task::{JobSlot, TaskEvent},
};
use event_log::{Commit, Entry};

/// A job of a tenant.
pub(super) type JobKey = (TenantId, JobId);

/// What the log says of jobs and of their slots.
#[derive(Default)]
pub(super) struct Log {
    /// Of each job.
    pub jobs: BTreeMap<JobKey, Facts>,
    /// Slots that are decided on the subject of another task than theirs.
    pub strays: Vec<(JobKey, Timestamp)>,
    /// Commits of jobs and tasks that cannot be read.
    pub unreadable: u64,
    only: Option<JobId>,
}

impl Log {
    /// Nothing yet; of this job only, if one is given.
    pub fn of(only: Option<JobId>) -> Self {
        Self {
            only,
            ..Self::default()
        }
    }

    /// Takes in what comes next in the log.
    pub fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::Commit(commit) => match commit.stream.kind {
                AggregateKind::Job => self.job(commit),
                AggregateKind::Task if commit.meta.version.0 == 1 => self.task(commit),
                _ => {}
            },
            Entry::Unreadable(_) => self.unreadable += 1,
        }
    }

    fn job(&mut self, commit: &Commit) {
        let id = JobId::new(commit.stream.id);
        if self.only.is_some_and(|only| only != id) {
            return;
        }
        let Ok(events) = schemas::catalogue::decode::<JobEvent>(&commit.payload) else {
            self.unreadable += 1;
            return;
        };
        let facts = self.jobs.entry((commit.stream.tenant, id)).or_default();
        let at = commit.meta.time;
        facts
            .events
            .extend(events.into_iter().map(|event| (at, event)));
    }

    fn task(&mut self, commit: &Commit) {
        let Ok(events) = schemas::catalogue::decode::<TaskEvent>(&commit.payload) else {
            self.unreadable += 1;
            return;
        };
        let at = commit.meta.time;
        let (origin, decision) = match events.first() {
            Some(TaskEvent::Created(created)) => {
                let run = created.origin.and_then(|origin| origin.run);
                (created.origin, SlotDecision::Fired { at, run })
            }
            Some(TaskEvent::SlotSkipped(skipped)) => {
                let reason = skipped.reason;
                (Some(skipped.origin), SlotDecision::Skipped { at, reason })
            }
            _ => return,
        };
        let Some(JobSlot {
            job_id,
            slot: Some(slot),
            ..
        }) = origin
        else {
            return;
        };
        if self.only.is_some_and(|only| only != job_id) {
            return;
        }
        let key = (commit.stream.tenant, job_id);
        if TaskId::of_slot(job_id, slot).uuid() != commit.stream.id {
            self.strays.push((key, slot));
            return;
        }
        let facts = self.jobs.entry(key).or_default();
        facts.decisions.insert(slot, decision);
    }
}
