//! The active jobs, each with its calendar and how far its slots are decided.
//!
//! Invariant: only active jobs are here; a job that is paused or deleted leaves at once, and with
//! it every slot that was still owed.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Weak},
};

use domain::{
    Aggregate as _, Timestamp,
    job::{Job, JobEvent, JobStatus, Meeting},
    schedule::{Calendar, InvalidSchedule, Schedule},
    task::{Dependency, JobSlot, SkipReason, TaskCreated, When},
};
use event_log::{Commit, Position};

use super::{Awaited, Effect, JobKey, Key, Living};
use crate::{
    fire::Intent,
    misfire::{Rules, Verdict},
};

/// A job under watch.
#[derive(Debug)]
pub struct Watched {
    /// Its slots.
    pub calendar: Arc<Calendar>,
    /// Slots up to here are decided.
    pub decided: Timestamp,
    /// How often in a row its next slot could not be decided.
    pub failures: u32,
    /// Whether a slot of it is being decided right now; one at a time, so that none is left behind.
    pub firing: bool,
    /// The job.
    pub job: Job,
    /// The slots that are due and not decided, the earliest first.
    pub owed: VecDeque<(Timestamp, Verdict)>,
    position: Position,
    /// How often it has fired, if that is counted.
    runs: u32,
}

/// A slot that somebody decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Decided {
    /// Whose it was.
    pub job: JobKey,
    /// Which run of the job it became, if these are counted.
    pub run: Option<u32>,
    /// Which one.
    pub slot: Timestamp,
}

/// The jobs under watch.
#[derive(Debug, Default)]
pub struct Jobs {
    active: HashMap<JobKey, Watched>,
    awaited: Awaited<JobKey>,
    calendars: Calendars,
    /// How often jobs have fired whose runs are counted, also while they are paused.
    runs: HashMap<JobKey, u32>,
}

/// One calendar for each distinct cron pattern, shared by its jobs.
#[derive(Debug, Default)]
struct Calendars {
    /// From how many patterns on those that no job uses any more are dropped.
    prune_at: usize,
    shared: HashMap<Schedule, Weak<Calendar>>,
}

impl Watched {
    /// Slots strictly after this instant are owed once they come due.
    pub fn after(&self) -> Timestamp {
        let since = self.decided.max(self.job.since);
        self.job
            .skipped_until
            .map_or(since, |until| since.max(until))
    }

    /// What is owed at `now`; of late slots `late_max` are decided one by one.
    pub fn plan(
        &self,
        key: JobKey,
        now: Timestamp,
        late_max: usize,
    ) -> VecDeque<(Timestamp, Verdict)> {
        if self.has_run_out() {
            return VecDeque::new();
        }
        let rules = Rules {
            calendar: &self.calendar,
            job: key.1,
            late_max,
            misfire: self.job.misfire,
            policy: self.job.policy,
        };
        rules.owed(self.after(), now)
    }

    /// What its next slot is to become beside those of its tasks that are `living`, if there is
    /// one and it may still run.
    pub fn intent(
        &self,
        key: JobKey,
        now: Timestamp,
        living: Living,
    ) -> Option<(Timestamp, Intent)> {
        let (slot, verdict) = *self.owed.front()?;
        if self.has_run_out() {
            return None;
        }
        let policy = &self.job.policy;
        let late_ms = now.since_ms(policy.due_at(key.1, slot));
        let is_too_late = policy
            .start_deadline_ms
            .is_some_and(|deadline_ms| late_ms > deadline_ms as i64);
        let intent = match verdict {
            Verdict::GiveUp(run) => Intent::GiveUp(run),
            Verdict::Skip => Intent::Skip(SkipReason::Misfire),
            Verdict::Fire if is_too_late => Intent::Skip(SkipReason::Deadline),
            Verdict::Fire => self.fired(key, slot, living),
        };
        Some((slot, intent))
    }

    /// What a slot is to become that is in time.
    fn fired(&self, key: JobKey, slot: Timestamp, living: Living) -> Intent {
        let overlap = self.job.overlap;
        let meeting = overlap.meeting(living.tasks.len(), living.one_waits);
        let behind = |task| Dependency {
            task,
            when: When::Ended,
        };
        let after = match meeting {
            Meeting::Beside => Vec::new(),
            Meeting::Behind | Meeting::InPlaceOf(_) => {
                living.tasks.into_iter().map(behind).collect()
            }
            Meeting::Skipped => return Intent::Skip(SkipReason::Overlap),
        };
        Intent::Create(Box::new(TaskCreated {
            origin: Some(JobSlot {
                job_id: key.1,
                slot: Some(slot),
                run: self.job.policy.max_runs.map(|_| self.runs + 1),
            }),
            after,
            replaces: meeting.stops(),
            ..TaskCreated::new(self.job.task.clone())
        }))
    }

    /// Whether it has run as often as it may.
    fn has_run_out(&self) -> bool {
        let max = self.job.policy.max_runs;
        max.is_some_and(|max| self.runs >= max)
    }

    fn wait(&self, key: JobKey) -> Effect {
        let policy = &self.job.policy;
        let next = self.calendar.next_after(self.after());
        let next = next.filter(|slot| !policy.has_ended(*slot) && !self.has_run_out());
        match next {
            Some(slot) => Effect::Wake(Key::Job(key), policy.due_at(key.1, slot)),
            None => Effect::Rest(Key::Job(key)),
        }
    }
}

impl Jobs {
    /// The job, if it is active.
    pub fn get_mut(&mut self, key: JobKey) -> Option<&mut Watched> {
        self.active.get_mut(&key)
    }

    /// Takes in a state that was asked for; [`Effect::LoadJob`] if it is older than what was seen.
    pub fn loaded(&mut self, key: JobKey, found: Option<(Job, Position)>) -> Vec<Effect> {
        let Some((job, position)) = found else {
            self.awaited.forget(&key);
            return self.remove(key);
        };
        if self.awaited.accept(&key, position) {
            self.put(key, job, None, position)
        } else {
            vec![Effect::LoadJob(key)]
        }
    }

    /// When the job has to be looked at again: at its next slot, unless slots of it are owed.
    pub fn wait(&self, key: JobKey) -> Option<Effect> {
        let watched = self.active.get(&key)?;
        let idle = watched.owed.is_empty() && !watched.firing;
        idle.then(|| watched.wait(key))
    }

    pub(super) fn all_effects(&self) -> Vec<Effect> {
        self.active
            .iter()
            .map(|(key, watched)| watched.wait(*key))
            .collect()
    }

    /// Whether what became of the job's slot must be heard before the next one is decided: only
    /// then it is known how often the job has run.
    pub fn must_hear_of(&self, key: JobKey, slot: Timestamp) -> bool {
        let watched = self.active.get(&key);
        watched
            .is_some_and(|watched| watched.job.policy.max_runs.is_some() && watched.decided < slot)
    }

    /// Takes in that the job has fired so often.
    pub fn ran(&mut self, key: JobKey, run: u32) {
        let runs = self.runs.entry(key).or_default();
        *runs = run.max(*runs);
        if let Some(watched) = self.active.get_mut(&key) {
            watched.runs = *runs;
        }
    }

    /// Takes in that somebody decided a slot.
    pub(super) fn decided(&mut self, decided: Decided) {
        if let Some(run) = decided.run {
            self.ran(decided.job, run);
        }
        if let Some(watched) = self.active.get_mut(&decided.job) {
            watched.decided = watched.decided.max(decided.slot);
        }
    }

    pub(super) fn follow(&mut self, commit: &Commit) -> Vec<Effect> {
        let key = (commit.stream.tenant, domain::JobId::new(commit.stream.id));
        let events = schemas::catalogue::decode::<JobEvent>(&commit.payload);
        let mut told = events.iter().flatten();
        if told.any(|event| matches!(event, JobEvent::Created(_))) {
            // Whatever had its id before is gone, and its runs with it.
            self.runs.remove(&key);
        }
        if self.awaited.has(&key) {
            self.awaited.note(key, commit.position);
            return vec![];
        }
        let known = self.active.get(&key);
        if known.is_some_and(|watched| commit.position <= watched.position) {
            return vec![];
        }
        if known.is_none() && commit.meta.version.0 > 1 {
            self.awaited.note(key, commit.position);
            return vec![Effect::LoadJob(key)];
        }
        let Ok(events) = events else {
            return vec![];
        };
        let before = known.map(|watched| watched.job.clone());
        let after = events.iter().fold(before, |state, event| {
            Job::evolve(state, event, commit.meta.time)
        });
        match after {
            Some(job) => self.put(key, job, None, commit.position),
            None => self.remove(key),
        }
    }

    pub(super) fn put(
        &mut self,
        key: JobKey,
        job: Job,
        last_slot: Option<Timestamp>,
        position: Position,
    ) -> Vec<Effect> {
        if job.status != JobStatus::Active {
            return self.remove(key);
        }
        let calendar = match self.calendars.get(&job.schedule) {
            Ok(calendar) => calendar,
            Err(reason) => {
                tracing::error!(job = %key.1, tenant = %key.0, %reason,
                    "a job's schedule cannot be followed: it does not fire");
                return self.remove(key);
            }
        };
        let before = self.active.remove(&key);
        let firing = before.as_ref().is_some_and(|watched| watched.firing);
        let decided = before.map(|watched| watched.decided).or(last_slot);
        let watched = Watched {
            calendar,
            decided: decided.unwrap_or(job.since),
            failures: 0,
            firing,
            job,
            owed: VecDeque::new(),
            position,
            runs: self.runs.get(&key).copied().unwrap_or_default(),
        };
        self.active.insert(key, watched);
        self.wait(key).into_iter().collect()
    }

    fn remove(&mut self, key: JobKey) -> Vec<Effect> {
        self.active.remove(&key);
        vec![Effect::Rest(Key::Job(key))]
    }
}

impl Calendars {
    fn get(&mut self, schedule: &Schedule) -> Result<Arc<Calendar>, InvalidSchedule> {
        if !matches!(schedule, Schedule::Cron { .. }) {
            return Calendar::try_new(schedule).map(Arc::new);
        }
        if let Some(shared) = self.shared.get(schedule).and_then(Weak::upgrade) {
            return Ok(shared);
        }
        let calendar = Arc::new(Calendar::try_new(schedule)?);
        if self.shared.len() >= self.prune_at {
            self.shared
                .retain(|_, calendar| calendar.strong_count() > 0);
            self.prune_at = 2 * self.shared.len() + 16;
        }
        self.shared
            .insert(schedule.clone(), Arc::downgrade(&calendar));
        Ok(calendar)
    }
}
