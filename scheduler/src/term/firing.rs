//! Slots on their way to a decision.
//!
//! Invariant: one slot of a job at a time and in order, so that the latest decided slot has no open
//! one behind it; many jobs at a time, so that the log can pack what falls due together.

use std::collections::VecDeque;

use domain::{Timestamp, job::Overlap};
use tokio::task::{JoinError, JoinSet};

use super::desk::Desk;
use crate::{
    backoff::backoff,
    fire::{self, Fired, Outcome},
    index::{JobKey, Key},
};

/// How many slots are being decided at a time: as many as fill two of the log's largest batches,
/// one on its way and one to follow. More only take memory that has to be cleared first.
const IN_FLIGHT: usize = 2_000;

/// From how many on attempts have to wait, so that slots are decided in time.
const CROWD: usize = 100;

/// What is being decided, and whose turn is next.
#[derive(Default)]
pub(super) struct Firing {
    in_flight: JoinSet<Fired>,
    ready: VecDeque<JobKey>,
}

impl Firing {
    /// Whether so many slots are due that all else should wait a moment.
    pub(super) fn is_crowded(&self) -> bool {
        self.in_flight.len() + self.ready.len() > CROWD
    }

    /// The next decision that is made; none while there is nothing to decide.
    pub(super) async fn next(&mut self) -> Option<Fired> {
        loop {
            let joined = self.in_flight.join_next().await?;
            if let Some(fired) = heard(joined) {
                return Some(fired);
            }
        }
    }

    /// Another decision that is made already: one batch of the log decides many slots.
    fn also(&mut self) -> Option<Fired> {
        loop {
            let joined = self.in_flight.try_join_next()?;
            if let Some(fired) = heard(joined) {
                return Some(fired);
            }
        }
    }
}

/// Nothing in there panics; if it did, the job waits for the next term.
fn heard(joined: Result<Fired, JoinError>) -> Option<Fired> {
    joined
        .inspect_err(|reason| tracing::error!(%reason, "deciding a slot stopped"))
        .ok()
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
            let Some(key) = self.firing.ready.pop_front() else {
                return;
            };
            let Some(watched) = self.index.jobs.get_mut(key).filter(|job| !job.firing) else {
                continue;
            };
            let overlaps =
                watched.job.overlap == Overlap::Skip && self.index.tasks.has_open_of(key);
            let Some((slot, intent)) = watched.intent(key, self.clock.now(), overlaps) else {
                // Its last run was the last there may be.
                watched.owed.clear();
                let effects = self.index.jobs.wait(key).into_iter().collect();
                self.bring_about(effects);
                continue;
            };
            watched.firing = true;
            let deciding = fire::decide(self.commands.clone(), key, slot, intent);
            self.firing.in_flight.spawn(deciding);
        }
    }

    /// Takes in what came of a slot, and of all others that are decided by now.
    pub(super) fn fired(&mut self, fired: Fired) {
        let mut next = Some(fired);
        while let Some(fired) = next {
            self.take(fired);
            next = self.firing.also();
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
