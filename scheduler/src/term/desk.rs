//! The desk where everything arrives: commits, instants, answers, ticks.
//!
//! Invariant: whatever wakes it, what is due by the clock is looked at afterwards; the tick of
//! every second makes that so even if the clock jumps.

use std::time::Duration;

use commands::{Ask, CommandError, Commands, Current, Failure};
use domain::{
    Actor, Aggregate, CommandId, TenantId, Timestamp,
    job::Job,
    settings::Settings,
    task::{Priority, Task, TaskCommand, TaskError},
};
use event_log::{Entry, WorkItem};
use runtime::Clock;
use schemas::catalogue::Recorded;
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Interrupted,
    firing::Firing,
    operating::Operating,
    releasing::Releasing,
    replacing::Replacing,
    vigil::{Vigil, YOUNG_MS},
};
use crate::{
    Services,
    admission::Admission,
    backoff::backoff,
    dispatch::Dispatcher,
    feed::Feed,
    index::{Effect, Index, JobKey, Key, TaskKey},
    ticks::Ticks,
    timer::Timer,
};

/// How long past its timeout an attempt may be before its worker counts as lost, in milliseconds:
/// longer than a worker needs to end it by force and to say so.
const OVERDUE_MS: i64 = 60_000;
/// How long attempts wait at most for slots that are being decided: these have an instant to meet,
/// and each attempt put on the queue costs the server a write.
const PUSH_LATER_MAX: Duration = Duration::from_secs(2);
/// How long what the log says waits for them at most.
const READ_LATER_MAX: Duration = Duration::from_secs(1);
/// How long before anything else is due the log is read again.
const READ_AHEAD_MS: i64 = 250;
/// How long to sleep at most, in case the clock jumps.
const NAP_MAX_MS: i64 = 1_000;

/// Everything the leader holds.
pub(super) struct Desk {
    pub(super) admission: Admission,
    pub(super) clock: Clock,
    pub(super) commands: Commands,
    pub(super) expiring: JoinSet<()>,
    pub(super) firing: Firing,
    pub(super) index: Index,
    pub(super) late_max: usize,
    pub(super) operating: Operating,
    pub(super) releasing: Releasing,
    pub(super) replacing: Replacing,
    pub(super) timer: Timer<Key>,
    crowded_since: Option<Instant>,
    dispatcher: Dispatcher,
    pub(super) held_back: Vec<(Priority, WorkItem)>,
    loading: JoinSet<Loaded>,
    sweeping: JoinSet<()>,
    vigil: Vigil,
}

/// A state that was asked for.
enum Loaded {
    Job(JobKey, Option<Box<Current<Job>>>),
    Settings(TenantId, Option<Current<Settings>>),
    Task(TaskKey, Option<Box<Current<Task>>>),
}

impl Desk {
    pub(super) fn new(services: &Services, index: Index, dispatcher: Dispatcher) -> Self {
        Self {
            admission: Admission::new(services.config.limits.clone()),
            clock: services.clock.clone(),
            commands: services.commands.clone(),
            expiring: JoinSet::new(),
            firing: Firing::default(),
            index,
            late_max: services.config.catch_up_max,
            operating: Operating::new(services),
            releasing: Releasing::default(),
            replacing: Replacing::default(),
            timer: Timer::default(),
            crowded_since: None,
            dispatcher,
            held_back: Vec::new(),
            loading: JoinSet::new(),
            sweeping: JoinSet::new(),
            vigil: Vigil::new(services),
        }
    }

    /// Works until `ended`.
    pub(super) async fn run(
        mut self,
        mut feed: Feed,
        ticks: &Ticks,
        ended: &CancellationToken,
    ) -> Result<(), Interrupted> {
        let effects = self.index.all_effects();
        self.bring_about(effects);
        loop {
            self.look_at_the_clock();
            let nap = self.nap();
            tokio::select! {
                () = ended.cancelled() => return Ok(()),
                entries = feed.next(), if !self.reads_later() => self.follow(&entries?),
                Some(fired) = self.firing.next() => self.fired(fired),
                Some(key) = self.releasing.next() => self.judged(key),
                Some(key) = self.replacing.next() => self.replaced(key),
                Some(Ok(loaded)) = self.loading.join_next() => self.loaded(loaded),
                Some(_) = self.sweeping.join_next() => {}
                Some(ended) = self.operating.next() => self.index.operation_ended(ended),
                Some(_) = self.expiring.join_next() => {}
                () = tokio::time::sleep(nap) => {}
                () = ticks.watch.beat() => {}
                () = ticks.sweep.beat() => self.sweep(),
            }
        }
    }

    pub(super) fn bring_about(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Announce(task) => self.dispatcher.announce(task),
                Effect::Judge(key) => self.releasing.want(key),
                Effect::LoadJob(key) => self.load_job(key),
                Effect::LoadSettings(tenant) => self.load_settings(tenant),
                Effect::LoadTask(key) => self.load_task(key),
                Effect::Operate(key) => self.operating.begin(key),
                Effect::Push(priority, item) => self.offer(priority, item),
                Effect::Replace { by, key, mode } => self.replacing.want(key, by, mode),
                Effect::Rest(key) => {
                    self.timer.remove(&key);
                    self.settle_if_task(key);
                }
                Effect::Wake(key, at) => {
                    self.timer.set(key, at);
                    self.settle_if_task(key);
                }
            }
        }
    }

    fn settle_if_task(&mut self, key: Key) {
        if let Key::Task(task) = key {
            self.settle(task);
        }
    }

    fn follow(&mut self, entries: &[Entry]) {
        if entries.is_empty() {
            // The work queue is not flushed before it answers; whatever it lost is put back.
            let effects = self.index.all_effects();
            self.bring_about(effects);
        }
        for entry in entries {
            let effects = self.index.follow(entry);
            self.bring_about(effects);
        }
    }

    /// Takes everything from the timer whose time has come.
    fn look_at_the_clock(&mut self) {
        let now = self.clock.now();
        while let Some(key) = self.timer.pop_due(now) {
            match key {
                Key::Deadline(task) => self.expire(task, now),
                Key::Job(job) => self.plan(job, now),
                Key::Task(task) => {
                    let effects = self.index.tasks.due(task).into_iter().collect();
                    self.bring_about(effects);
                }
            }
        }
        self.admit(now);
        self.fill();
        self.release();
        self.replace();
        if self.firing.is_crowded() {
            self.crowded_since.get_or_insert_with(Instant::now);
        } else {
            self.crowded_since = None;
        }
        if !self.is_crowded_for_less_than(PUSH_LATER_MAX) {
            for (priority, item) in self.held_back.drain(..) {
                self.dispatcher.push(priority, item);
            }
        }
    }

    /// Whether what the log says waits until the slots that are due are decided. It cannot concern
    /// them, since it came later; and to read it costs the server and this process what these slots
    /// need.
    fn reads_later(&self) -> bool {
        let soon = self.clock.now().plus_ms(READ_AHEAD_MS);
        self.is_crowded_for_less_than(READ_LATER_MAX)
            && self.timer.next().is_none_or(|next| next > soon)
    }

    fn is_crowded_for_less_than(&self, limit: Duration) -> bool {
        self.crowded_since
            .is_some_and(|since| since.elapsed() < limit)
    }

    fn nap(&self) -> Duration {
        let now = self.clock.now();
        let due = [self.timer.next(), self.admission.next_at(now)];
        let next = due.into_iter().flatten().min();
        let next = next.unwrap_or(now.plus_ms(NAP_MAX_MS));
        Duration::from_millis(next.since_ms(now).clamp(0, NAP_MAX_MS) as u64)
    }

    fn loaded(&mut self, loaded: Loaded) {
        let effects = match loaded {
            Loaded::Job(key, found) => {
                let found = found.map(|found| (found.state, found.position));
                self.index.jobs.loaded(key, found)
            }
            Loaded::Settings(tenant, found) => {
                self.settings_loaded(tenant, found);
                vec![]
            }
            Loaded::Task(key, found) => {
                let found = found.map(|c| (c.state, c.version, c.position));
                self.index.tasks.loaded(key, found)
            }
        };
        self.bring_about(effects);
    }

    fn load_job(&mut self, key: JobKey) {
        let state = state(self.commands.clone(), key.0, key.1.uuid());
        self.loading
            .spawn(async move { Loaded::Job(key, state.await.map(Box::new)) });
    }

    pub(super) fn load_settings(&mut self, tenant: TenantId) {
        let state = state(self.commands.clone(), tenant, tenant.uuid());
        self.loading
            .spawn(async move { Loaded::Settings(tenant, state.await) });
    }

    fn load_task(&mut self, key: TaskKey) {
        let state = state(self.commands.clone(), key.0, key.1.uuid());
        self.loading
            .spawn(async move { Loaded::Task(key, state.await.map(Box::new)) });
    }

    /// Ends attempts whose worker is gone and whose delivery does not come back either.
    fn sweep(&mut self) {
        if !self.sweeping.is_empty() {
            return;
        }
        let now: Timestamp = self.clock.now();
        for overdue in self.index.tasks.overdue(now, OVERDUE_MS) {
            let commands = self.commands.clone();
            let (tenant, task) = overdue.key;
            let command = TaskCommand::Fail {
                attempt: overdue.attempt,
                error: TaskError {
                    code: "worker_lost".to_owned(),
                    message: "nothing was heard of the attempt long after its timeout".to_owned(),
                    retryable: true,
                    retry_after_ms: None,
                },
                id: task,
                worker: overdue.worker,
            };
            let actor = Actor::System("scheduler".to_owned());
            let ask = Ask::new(
                actor,
                tenant,
                task.uuid(),
                CommandId::new(commands.ids().next()),
            );
            self.sweeping.spawn(async move {
                match commands.execute::<Task>(ask, command).await {
                    Ok(_) => tracing::warn!(%task, %tenant, "ended an attempt that was overdue"),
                    // It has ended meanwhile, or it is found again by the next sweep.
                    Err(CommandError::Rejected(_)) => {}
                    Err(reason) => tracing::warn!(%task, %tenant, %reason, "cannot end an attempt"),
                }
            });
        }
        let held = self.index.tasks.running_since(now.plus_ms(-YOUNG_MS));
        self.sweeping.spawn(self.vigil.clone().look(held));
    }
}

/// Asks until the log answers; none also if what it holds cannot be read.
async fn state<A>(commands: Commands, tenant: TenantId, id: Uuid) -> Option<Current<A>>
where
    A: Aggregate,
    A::Event: Recorded,
{
    let mut failures = 0;
    loop {
        match commands.state::<A>(tenant, id).await {
            Ok(found) => return found,
            Err(
                reason @ (Failure::Corrupt(_) | Failure::Refused(_) | Failure::TooLarge { .. }),
            ) => {
                tracing::error!(%tenant, kind = A::KIND.name(), %id, %reason,
                    "an aggregate cannot be loaded: it is left alone");
                return None;
            }
            Err(_) => {
                failures += 1;
                tokio::time::sleep(backoff(failures)).await;
            }
        }
    }
}
