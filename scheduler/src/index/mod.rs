//! What the scheduler knows: the active jobs and the open tasks, folded from the log in memory.
//!
//! Invariant: it is a cache and nothing but. Each entry remembers the position it reflects and
//! takes no commit twice, whether the commit comes from the log or with a loaded state; and
//! wherever it is wrong, the log refuses what follows from that.

mod dependents;
mod jobs;
mod tasks;

use std::collections::HashMap;

use domain::{
    AggregateKind, JobId, OperationId, TaskId, TenantId, Timestamp,
    task::{CancelMode, Priority},
};
use event_log::{Commit, Entry, Position, WorkItem};
use projections::schedule::Schedule;

use crate::operate::OperationKey;
pub use jobs::Decided;
use jobs::Jobs;
use tasks::Tasks;
pub use tasks::{Held, Living};

/// A job of a tenant; tenants choose ids for themselves, so an id alone is nobody's.
pub type JobKey = (TenantId, JobId);
/// A task of a tenant.
pub type TaskKey = (TenantId, TaskId);

/// What stands in the timer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Key {
    /// A task that has until then.
    Deadline(TaskKey),
    /// A job that waits for its next slot.
    Job(JobKey),
    /// A task that waits for its time.
    Task(TaskKey),
}

/// What follows from a change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect {
    /// The worker of a running task must hear that it is to stop.
    Announce(TaskId),
    /// Whether a task that is held back for others must still be is to be found out.
    Judge(TaskKey),
    /// The state of a job that the index does not know is wanted.
    LoadJob(JobKey),
    /// What a tenant has set may be different now.
    LoadSettings(TenantId),
    /// The state of a task that the index does not know is wanted.
    LoadTask(TaskKey),
    /// An operation is to be carried out.
    Operate(OperationKey),
    /// An attempt can be made.
    Push(Priority, WorkItem),
    /// A task is to stop, since another takes its place.
    Replace {
        /// The other.
        by: TaskId,
        /// Which one.
        key: TaskKey,
        /// How.
        mode: CancelMode,
    },
    /// Nothing is due for this any more.
    Rest(Key),
    /// This is due at that instant.
    Wake(Key, Timestamp),
}

/// The jobs and tasks that something will happen to.
#[derive(Debug)]
pub struct Index {
    /// Up to where the log has been read.
    pub followed: Position,
    /// The active jobs.
    pub jobs: Jobs,
    /// The operations that had not ended when it began.
    operations: Vec<OperationKey>,
    /// The tasks that have not ended.
    pub tasks: Tasks,
}

impl Effect {
    /// Whether a state is asked for, which is asked for once.
    pub const fn is_question(&self) -> bool {
        matches!(self, Self::LoadJob(_) | Self::LoadTask(_))
    }
}

impl Index {
    /// What a snapshot of the read models at `position` says.
    pub fn of_schedule(schedule: Schedule, position: Position) -> Self {
        let mut index = Self {
            followed: position,
            jobs: Jobs::default(),
            operations: schedule.operations,
            tasks: Tasks::default(),
        };
        for counted in schedule.runs {
            index.jobs.ran((counted.tenant, counted.id), counted.runs);
        }
        for due in schedule.jobs {
            let key = (due.tenant, due.id);
            index.jobs.put(key, due.job, due.last_slot, position);
        }
        for open in schedule.tasks {
            let key = (open.tenant, open.id);
            index.tasks.put(key, open.task, open.version, position);
        }
        index
    }

    /// Takes in what comes next in the log.
    pub fn follow(&mut self, entry: &Entry) -> Vec<Effect> {
        self.followed = entry.position();
        match entry {
            Entry::Commit(commit) => self.commit(commit),
            // The projector parks it and says so; there is nothing here to act on.
            Entry::Unreadable(_) => vec![],
        }
    }

    /// Everything that is due or will be, as after a start.
    pub fn all_effects(&self) -> Vec<Effect> {
        let mut effects = self.jobs.all_effects();
        effects.extend(self.operations.iter().copied().map(Effect::Operate));
        effects.extend(self.tasks.all_effects());
        effects
    }

    /// Takes in that an operation needs nobody any more.
    pub fn operation_ended(&mut self, ended: OperationKey) {
        self.operations.retain(|key| *key != ended);
    }

    fn commit(&mut self, commit: &Commit) -> Vec<Effect> {
        match commit.stream.kind {
            AggregateKind::Job => self.jobs.follow(commit),
            AggregateKind::Operation if commit.meta.version.0 == 1 => {
                let key = (commit.stream.tenant, OperationId::new(commit.stream.id));
                self.operations.push(key);
                vec![Effect::Operate(key)]
            }
            AggregateKind::Settings => vec![Effect::LoadSettings(commit.stream.tenant)],
            AggregateKind::Task => {
                let (effects, decided) = self.tasks.follow(commit);
                if let Some(decided) = decided {
                    self.jobs.decided(decided);
                }
                effects
            }
            _ => vec![],
        }
    }
}

/// The aggregates whose state was asked for, with the last commit that was seen of them since.
#[derive(Debug)]
struct Awaited<K>(HashMap<K, Position>);

impl<K> Default for Awaited<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Copy + Eq + std::hash::Hash> Awaited<K> {
    /// Notes that `key` has a commit at `position`; true if its state must be asked for.
    fn note(&mut self, key: K, position: Position) -> bool {
        self.0.insert(key, position).is_none()
    }

    fn has(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    /// Whether a state read at `position` is as new as all that was seen; if so it is awaited no
    /// more.
    fn accept(&mut self, key: &K, position: Position) -> bool {
        let seen = self.0.get(key).is_none_or(|seen| *seen <= position);
        if seen {
            self.0.remove(key);
        }
        seen
    }

    fn forget(&mut self, key: &K) {
        self.0.remove(key);
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
#[cfg(test)]
mod virtual_days;
