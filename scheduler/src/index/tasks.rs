//! The tasks that have not ended, and which job each belongs to.
//!
//! Invariant: every change that makes an attempt possible gives exactly one effect that brings it
//! about: a push now, or a place in the timer. A task that is held back is judged whenever one that
//! it is held back for has ended or is not known here.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use domain::{
    Aggregate as _, TaskId, Timestamp,
    task::{CancelMode, Dependency, Limit, Task, TaskEvent, TaskStatus},
};
use event_log::{Commit, Position, Version, WorkItem};

use super::{Awaited, Decided, Effect, JobKey, Key, TaskKey, dependents::Dependents};

/// A task under watch; its payload is left out.
#[derive(Debug)]
struct Open {
    position: Position,
    task: Task,
    version: Version,
}

/// An attempt that a worker has.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Held {
    /// Which one.
    pub attempt: u32,
    /// Whose.
    pub key: TaskKey,
    /// Who had it.
    pub worker: String,
}

/// The tasks of a job that have not ended.
#[derive(Debug, Default)]
pub struct Living {
    /// Whether one of them waits for others.
    pub one_waits: bool,
    /// Which ones.
    pub tasks: Vec<TaskId>,
}

/// The tasks under watch.
#[derive(Debug, Default)]
pub struct Tasks {
    awaited: Awaited<TaskKey>,
    dependents: Dependents,
    of_job: HashMap<JobKey, HashSet<TaskId>>,
    open: HashMap<TaskKey, Open>,
}

impl Tasks {
    /// What a waiting task needs whose time has come.
    pub fn due(&self, key: TaskKey) -> Option<Effect> {
        self.open.get(&key).and_then(|open| open.push(key))
    }

    /// The tasks of the job that have not ended.
    pub fn living_of(&self, job: JobKey) -> Living {
        let siblings = self.of_job.get(&job).into_iter().flatten();
        let mut tasks: Vec<_> = siblings.copied().collect();
        tasks.sort_unstable();
        // What the log has not brought yet came behind those that were there.
        let waits = |task: &TaskId| match self.open.get(&(job.0, *task)) {
            Some(open) => open.task.held,
            None => tasks.len() > 1,
        };
        Living {
            one_waits: tasks.iter().any(waits),
            tasks,
        }
    }

    /// The task, if it has not ended; without its payload.
    pub fn get(&self, key: TaskKey) -> Option<&Task> {
        self.open.get(&key).map(|open| &open.task)
    }

    /// Counts a task among the open ones of its job until the log brings it.
    pub fn expect(&mut self, job: JobKey, task: TaskId) {
        self.of_job.entry(job).or_default().insert(task);
    }

    /// What the task is held back for, if it still is.
    pub fn held_for(&self, key: TaskKey) -> Option<Vec<Dependency>> {
        let open = self.open.get(&key).filter(|open| open.task.held)?;
        Some(open.task.after.clone())
    }

    /// Takes in a state that was asked for; [`Effect::LoadTask`] if it is older than what was seen.
    pub fn loaded(
        &mut self,
        key: TaskKey,
        found: Option<(Task, Version, Position)>,
    ) -> Vec<Effect> {
        let Some((task, version, position)) = found else {
            self.awaited.forget(&key);
            return vec![];
        };
        if self.awaited.accept(&key, position) {
            self.put(key, task, version, position)
        } else {
            vec![Effect::LoadTask(key)]
        }
    }

    /// The attempts that by `now` should have ended at least `grace_ms` ago.
    pub fn overdue(&self, now: Timestamp, grace_ms: i64) -> Vec<Held> {
        let overdue = |(key, open): (&TaskKey, &Open)| {
            let running = open.task.running()?;
            let allowed_ms = (open.task.spec.timeout_ms as i64).saturating_add(grace_ms);
            (now.since_ms(running.started_at) > allowed_ms).then(|| Held {
                attempt: running.number,
                key: *key,
                worker: running.worker.clone(),
            })
        };
        self.open.iter().filter_map(overdue).collect()
    }

    /// The attempts that had begun before `then`.
    pub fn running_since(&self, then: Timestamp) -> Vec<Held> {
        let held = |(key, open): (&TaskKey, &Open)| {
            let running = open.task.running()?;
            (running.started_at < then).then(|| Held {
                attempt: running.number,
                key: *key,
                worker: running.worker.clone(),
            })
        };
        self.open.iter().filter_map(held).collect()
    }

    /// Takes in the state after a commit.
    pub fn put(
        &mut self,
        key: TaskKey,
        mut task: Task,
        version: Version,
        position: Position,
    ) -> Vec<Effect> {
        self.close(key);
        if task.status.is_final() {
            let judged = self.dependents.of(key).map(Effect::Judge);
            let limited = is_limited(&task).then_some(Effect::Rest(Key::Deadline(key)));
            return std::iter::once(Effect::Rest(Key::Task(key)))
                .chain(limited)
                .chain(judged)
                .collect();
        }
        task.spec.payload = Arc::default();
        if let Some(origin) = task.origin {
            self.expect((key.0, origin.job_id), key.1);
        }
        let open = Open {
            position,
            task,
            version,
        };
        if open.task.held {
            self.dependents.hold(key, &open.task.after);
        }
        self.open.insert(key, open);
        self.effects(key)
    }

    pub(super) fn all_effects(&self) -> Vec<Effect> {
        self.open
            .keys()
            .flat_map(|key| self.effects(*key))
            .collect()
    }

    /// What must be brought about for the task as it is.
    fn effects(&self, key: TaskKey) -> Vec<Effect> {
        let Some(open) = self.open.get(&key) else {
            return vec![];
        };
        let is_open = |first: &Dependency| self.open.contains_key(&(key.0, first.task));
        let mut effects = open.effects(key);
        if open.task.held && !open.task.after.iter().all(is_open) {
            effects.push(Effect::Judge(key));
        }
        if let Some(mode) = open.task.replaces.filter(|_| open.task.held) {
            effects.extend(self.replaced(key, &open.task.after, mode));
        }
        if is_limited(&open.task) {
            let key = Key::Deadline(key);
            effects.push(match open.task.next_deadline() {
                Some((_, at)) => Effect::Wake(key, at),
                None => Effect::Rest(key),
            });
        }
        effects
    }

    /// The stops of those whose place `key` takes, as far as nobody has asked for them.
    fn replaced(
        &self,
        key: TaskKey,
        after: &[Dependency],
        mode: CancelMode,
    ) -> impl Iterator<Item = Effect> {
        let runs_on = move |first: &TaskKey| {
            let requested = self.open.get(first).map(|open| &open.task.cancel_requested);
            requested.is_some_and(|before| match (before, mode) {
                (None, _) => true,
                (Some(before), CancelMode::Forced) => before.grace_ms() > 0,
                (Some(_), CancelMode::Cooperative) => false,
            })
        };
        let first = after.iter().map(move |first| (key.0, first.task));
        first.filter(runs_on).map(move |first| Effect::Replace {
            by: key.1,
            key: first,
            mode,
        })
    }

    /// The limit that a task exceeds next, and when.
    pub fn next_deadline(&self, key: TaskKey) -> Option<(Limit, Timestamp)> {
        self.open.get(&key)?.task.next_deadline()
    }

    /// What follows from `commit`, and the slot that it decides.
    pub(super) fn follow(&mut self, commit: &Commit) -> (Vec<Effect>, Option<Decided>) {
        let key = (commit.stream.tenant, TaskId::new(commit.stream.id));
        if self.awaited.has(&key) {
            self.awaited.note(key, commit.position);
            return (vec![], None);
        }
        let known = self.open.get(&key);
        if known.is_some_and(|open| commit.position <= open.position) {
            return (vec![], None);
        }
        let Ok(events) = schemas::catalogue::decode::<TaskEvent>(&commit.payload) else {
            return (vec![], None);
        };
        if known.is_none() && commit.meta.version.0 > 1 {
            // An ended task is forgotten; only being put back into the queue wakes it.
            let requeued = events.iter().any(|e| matches!(e, TaskEvent::Requeued(_)));
            if !requeued {
                return (vec![], None);
            }
            self.awaited.note(key, commit.position);
            return (vec![Effect::LoadTask(key)], None);
        }
        let before = known.map(|open| open.task.clone());
        let after = events.iter().fold(before, |state, event| {
            Task::evolve(state, event, commit.meta.time)
        });
        let Some(task) = after else {
            return (vec![], None);
        };
        let decided = (commit.meta.version.0 == 1)
            .then(|| slot_of(key, &task))
            .flatten();
        let mut effects = self.put(key, task, commit.meta.version, commit.position);
        if events.iter().any(|e| matches!(e, TaskEvent::TimedOut(_))) {
            // Whoever makes an attempt at it must hear that it is over.
            effects.push(Effect::Announce(key.1));
        }
        (effects, decided)
    }

    fn close(&mut self, key: TaskKey) {
        let Some(open) = self.open.remove(&key) else {
            return;
        };
        if open.task.held {
            self.dependents.let_go(key, &open.task.after);
        }
        let Some(origin) = open.task.origin else {
            return;
        };
        let job = (key.0, origin.job_id);
        if let Some(siblings) = self.of_job.get_mut(&job) {
            siblings.remove(&key.1);
            if siblings.is_empty() {
                self.of_job.remove(&job);
            }
        }
    }
}

impl Open {
    fn effects(&self, key: TaskKey) -> Vec<Effect> {
        let rest = Effect::Rest(Key::Task(key));
        match (self.task.status, self.task.due_at) {
            (TaskStatus::Queued, _) => std::iter::once(rest).chain(self.push(key)).collect(),
            (TaskStatus::Retrying | TaskStatus::Scheduled, Some(due_at)) => {
                vec![Effect::Wake(Key::Task(key), due_at)]
            }
            (TaskStatus::Running, _) if self.task.cancel_requested.is_some() => {
                vec![rest, Effect::Announce(key.1)]
            }
            _ => vec![rest],
        }
    }

    /// The next attempt, if one can be made.
    fn push(&self, key: TaskKey) -> Option<Effect> {
        if self.task.held || self.task.status.is_final() || self.task.status == TaskStatus::Running
        {
            return None;
        }
        let item = WorkItem {
            attempt: self.task.attempts() + 1,
            kind: self.task.spec.kind.clone(),
            task: key.1,
            tenant: key.0,
            version: self.version,
        };
        Some(Effect::Push(self.task.spec.priority, item))
    }
}

/// Whether time may run out for it.
fn is_limited(task: &Task) -> bool {
    task.spec.queue_timeout_ms.is_some() || task.spec.total_timeout_ms.is_some()
}

fn slot_of(key: TaskKey, task: &Task) -> Option<Decided> {
    let origin = task.origin?;
    Some(Decided {
        job: (key.0, origin.job_id),
        run: origin.run,
        slot: origin.slot?,
    })
}
