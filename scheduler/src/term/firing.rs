//! Slots on their way to a decision.
//!
//! Invariant: one slot of a job at a time and in order, so that the latest decided slot has no open
//! one behind it; many jobs at a time, so that the log can pack what falls due together.

use std::collections::VecDeque;

use domain::{Timestamp, job::Overlap};
use tokio::task::JoinSet;

use super::desk::Desk;
use crate::{
    backoff::backoff,
    fire::{self, Due, Fired, Outcome},
    index::{JobKey, Key, Living},
};

/// How many slots are decided together at most: what the log takes as one batch.
const TOGETHER_MAX: usize = 1_000;
/// How many at least before a second lot is begun beside the first, so that what comes in one by
/// one meanwhile is decided together as well.
const TOGETHER_MIN: usize = 100;
/// How many lots are on their way: while the log stores one, the next is made. More would wait.
const IN_FLIGHT: usize = 3;

/// From how many on attempts have to wait, so that slots are decided in time.
const CROWD: usize = 100;

/// What is being decided, and whose turn is next.
#[derive(Default)]
pub(super) struct Firing {
    in_flight: JoinSet<Vec<Fired>>,
    ready: VecDeque<JobKey>,
    slots_in_flight: usize,
}

impl Firing {
    /// Whether so many slots are due that all else should wait a moment.
    pub(super) fn is_crowded(&self) -> bool {
        self.slots_in_flight + self.ready.len() > CROWD
    }

    /// The next slots that are decided; none while there is nothing to decide.
    pub(super) async fn next(&mut self) -> Option<Vec<Fired>> {
        let joined = self.in_flight.join_next().await?;
        // Nothing in there panics; if it did, these jobs would wait for the next term.
        let fired = joined
            .inspect_err(|reason| tracing::error!(%reason, "deciding slots stopped"))
            .unwrap_or_default();
        self.slots_in_flight = match self.in_flight.len() {
            0 => 0,
            _ => self.slots_in_flight.saturating_sub(fired.len()),
        };
        Some(fired)
    }
}

impl Desk {
    /// Plans the slots that a job owes at `now`.
    pub(super) fn plan(&mut self, key: JobKey, now: Timestamp) {
        let late_max = self.late_max;
        let Some(watched) = self.index.jobs.get_mut(key) else {
            return;
        };
        if watched.firing || !watched.owed.is_empty() {
            return;
        }
        watched.owed = watched.plan(key, now, late_max);
        if watched.owed.is_empty() {
            let effects = self.index.jobs.wait(key).into_iter().collect();
            self.bring_about(effects);
        } else {
            self.firing.ready.push_back(key);
        }
    }

    /// Begins to decide as many slots as may be in flight.
    pub(super) fn fill(&mut self) {
        while self.firing.in_flight.len() < IN_FLIGHT {
            let enough =
                self.firing.in_flight.is_empty() || self.firing.ready.len() >= TOGETHER_MIN;
            if !enough || self.firing.ready.is_empty() {
                return;
            }
            let mut lot = Vec::new();
            while lot.len() < TOGETHER_MAX
                && let Some(key) = self.firing.ready.pop_front()
            {
                lot.extend(self.next_of(key));
            }
            if !lot.is_empty() {
                self.firing.slots_in_flight += lot.len();
                self.firing
                    .in_flight
                    .spawn(fire::decide(self.commands.clone(), lot));
            }
        }
    }

    /// The slot of a job that is next to be decided, and what it is to become.
    fn next_of(&mut self, key: JobKey) -> Option<Due> {
        let watched = self.index.jobs.get_mut(key).filter(|job| !job.firing)?;
        let living = match watched.job.overlap {
            // However many there are, they are of no concern.
            Overlap::Allow => Living::default(),
            _ => self.index.tasks.living_of(key),
        };
        let Some((slot, intent)) = watched.intent(key, self.clock.now(), living) else {
            // Its last run was the last there may be.
            watched.owed.clear();
            let effects = self.index.jobs.wait(key).into_iter().collect();
            self.bring_about(effects);
            return None;
        };
        watched.firing = true;
        Some(Due {
            intent,
            job: key,
            slot,
        })
    }

    /// Takes in what came of slots.
    pub(super) fn fired(&mut self, fired: Vec<Fired>) {
        for fired in fired {
            self.take(fired);
        }
    }

    fn take(&mut self, fired: Fired) {
        let Fired { job, outcome, slot } = fired;
        if matches!(outcome, Outcome::Elsewhere) && self.index.jobs.must_hear_of(job, slot) {
            return self.postpone(job, "others have decided it");
        }
        if let Outcome::Decided { run: Some(run), .. } = outcome {
            self.index.jobs.ran(job, run);
        }
        match outcome {
            Outcome::Owed(reason) => return self.postpone(job, &reason),
            // Known before the log brings it, so that the job's next slot sees the overlap.
            Outcome::Decided {
                open: Some(task),
                position,
                ..
            } if position > self.index.followed => self.index.tasks.expect(job, task),
            Outcome::Decided { .. } | Outcome::Elsewhere | Outcome::Never => {}
        }
        let Some(watched) = self.index.jobs.get_mut(job) else {
            return;
        };
        watched.firing = false;
        watched.failures = 0;
        watched.decided = watched.decided.max(slot);
        while watched.owed.front().is_some_and(|(next, _)| *next <= slot) {
            watched.owed.pop_front();
        }
        if watched.owed.is_empty() {
            let effects = self.index.jobs.wait(job).into_iter().collect();
            self.bring_about(effects);
        } else {
            self.firing.ready.push_back(job);
        }
    }

    /// Leaves the job's slots owed; they are planned anew once the log may answer again.
    fn postpone(&mut self, job: JobKey, reason: &str) {
        let Some(watched) = self.index.jobs.get_mut(job) else {
            return;
        };
        watched.firing = false;
        watched.owed.clear();
        watched.failures = watched.failures.saturating_add(1);
        if watched.failures == 1 {
            tracing::warn!(tenant = %job.0, job = %job.1, reason, "a slot stays owed: trying on");
        }
        let wait_ms = backoff(watched.failures).as_millis() as i64;
        self.timer
            .set(Key::Job(job), self.clock.now().plus_ms(wait_ms));
    }
}
