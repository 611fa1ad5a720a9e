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
    job::{Job, JobEvent, JobStatus},
    schedule::{Calendar, InvalidSchedule, Schedule},
};
use event_log::{Commit, Position};

use super::{Awaited, Effect, JobKey, Key};
use crate::misfire::{self, Verdict};

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
}

/// The jobs under watch.
#[derive(Debug, Default)]
pub struct Jobs {
    active: HashMap<JobKey, Watched>,
    awaited: Awaited<JobKey>,
    calendars: Calendars,
}

/// One calendar for each distinct cron pattern, shared by its jobs.
#[derive(Debug, Default)]
struct Calendars {
    /// From how many patterns on those that no job uses any more are dropped.
    prune_at: usize,
    shared: HashMap<(String, String), Weak<Calendar>>,
}

impl Watched {
    /// Slots strictly after this instant are owed once they come due.
    pub fn after(&self) -> Timestamp {
        self.decided.max(self.job.since)
    }

    /// What is owed at `now`, of late slots at most `late_max`.
    pub fn plan(&self, now: Timestamp, late_max: usize) -> misfire::Owed {
        misfire::owed(
            &self.calendar,
            self.after(),
            now,
            self.job.misfire,
            late_max,
        )
    }

    fn wait(&self, key: JobKey) -> Effect {
        match self.calendar.next_after(self.after()) {
            Some(slot) => Effect::Wake(Key::Job(key), slot),
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

    /// Takes in that somebody decided `slot`.
    pub(super) fn decided(&mut self, key: JobKey, slot: Timestamp) {
        if let Some(watched) = self.active.get_mut(&key) {
            watched.decided = watched.decided.max(slot);
        }
    }

    pub(super) fn follow(&mut self, commit: &Commit) -> Vec<Effect> {
        let key = (commit.stream.tenant, domain::JobId::new(commit.stream.id));
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
        let Ok(events) = schemas::catalogue::decode::<JobEvent>(&commit.payload) else {
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
        let Schedule::Cron {
            expression,
            timezone,
        } = schedule
        else {
            return Calendar::try_new(schedule).map(Arc::new);
        };
        let pattern = (expression.clone(), timezone.clone());
        if let Some(shared) = self.shared.get(&pattern).and_then(Weak::upgrade) {
            return Ok(shared);
        }
        let calendar = Arc::new(Calendar::try_new(schedule)?);
        if self.shared.len() >= self.prune_at {
            self.shared
                .retain(|_, calendar| calendar.strong_count() > 0);
            self.prune_at = 2 * self.shared.len() + 16;
        }
        self.shared.insert(pattern, Arc::downgrade(&calendar));
        Ok(calendar)
    }
}
