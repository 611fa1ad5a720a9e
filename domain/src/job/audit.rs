//! Whether each slot that a job owed was accounted for, found again from the log alone.
//!
//! Invariant: neither the calendar nor the ledger is used here. What was owed is found by looking
//! at every minute of what the job was; what became of it by the rules of the policies, one slot at
//! a time.

use std::{collections::BTreeMap, ops::Bound};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Job, JobEvent, JobStatus, Misfire, Overlap, SlotDecision, SlotReason};
use crate::{Aggregate as _, JobId, Timestamp, schedule::Scan, task::SkipReason};

/// How late who fires slots may hear of a change to a job, in milliseconds: as long as a leader
/// may go on that another has replaced.
const HEARD_MS: i64 = 15_000;
/// How far the clocks of who decides and who changes jobs may be apart, in milliseconds.
const SKEW_MS: i64 = 250;
/// How late a slot may be and still is on time, in milliseconds.
const ON_TIME_MS: i64 = 1_000;

/// What the log says of a job and of its slots.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What was decided of its slots.
    pub decisions: BTreeMap<Timestamp, SlotDecision>,
    /// What happened to it, each with its instant, in order.
    pub events: Vec<(Timestamp, JobEvent)>,
}

/// The period that is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// Slots strictly after this instant.
    pub after: Timestamp,
    /// How long a slot may be open, in milliseconds.
    pub patience_ms: i64,
    /// Slots up to this instant.
    pub until: Timestamp,
}

/// What is wrong with a slot.
#[derive(
    Clone, Copy, Debug, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It became a task before its time.
    Early,
    /// It bears the number of a run that is not the next one, or of one too many.
    Miscounted,
    /// Nobody decided it, and one behind it was decided.
    Lost,
    /// It was decided, and the job did not owe it.
    NotOwed,
    /// Nobody has decided it, long after it was due.
    Overdue,
    /// It was skipped for a reason that did not hold.
    WrongReason,
}

/// A slot with a fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Violation {
    /// What is wrong.
    pub fault: Fault,
    /// Which slot.
    pub slot: Timestamp,
}

/// What was found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Audit {
    /// How many slots became tasks.
    pub fired: u64,
    /// How many wait to be decided, and may.
    pub open: u64,
    /// How many slots there are in all.
    pub owed: u64,
    /// What became of each: its reason if it was skipped, nothing if it is open.
    pub found: BTreeMap<Timestamp, Found>,
    /// How many were skipped, by reason.
    pub skipped: BTreeMap<SlotReason, u64>,
    /// What is wrong.
    pub violations: Vec<Violation>,
}

/// What became of a slot, as far as the log tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Found {
    /// A task.
    Fired,
    /// Nothing yet.
    Open,
    /// Nothing, for this reason.
    Skipped(SlotReason),
}

/// What the job was, from one event to the next.
struct Phase {
    after: Timestamp,
    job: Job,
    until: Timestamp,
}

/// All that is known of a job.
struct World<'a> {
    facts: &'a Facts,
    job: JobId,
    period: Period,
    phases: Vec<Phase>,
}

/// Looks at every slot of `job` in the period; none if a schedule it had cannot be scanned.
pub fn audit(job: JobId, facts: &Facts, period: Period) -> Option<Audit> {
    let world = World {
        facts,
        job,
        period,
        phases: phases(facts, period.until),
    };
    let mut audit = Audit::default();
    for phase in &world.phases {
        let (after, until) = (period.after.max(phase.after), period.until.min(phase.until));
        if phase.job.status == JobStatus::Deleted || after >= until {
            continue;
        }
        let scan = Scan::try_new(&phase.job.schedule).ok()?;
        let end = phase.job.policy.ends_at;
        let owed = scan.slots(after, until);
        for slot in owed
            .into_iter()
            .filter(|slot| end.is_none_or(|end| *slot <= end))
        {
            audit.judge(slot, phase, &world);
        }
    }
    let within = (Bound::Excluded(period.after), Bound::Included(period.until));
    for (slot, decision) in facts.decisions.range(within) {
        if audit.found.contains_key(slot) {
            continue;
        }
        let (at, found) = match decision {
            SlotDecision::Fired { at, .. } => (*at, Found::Fired),
            SlotDecision::Skipped { at, reason } => (*at, Found::Skipped((*reason).into())),
        };
        audit.count(*slot, found);
        if !world.was_owed_shortly_before(*slot, at) {
            audit.fault(*slot, Fault::NotOwed);
        }
    }
    audit.check_runs(facts, period);
    audit
        .violations
        .sort_by_key(|wrong| (wrong.slot, wrong.fault));
    Some(audit)
}

/// What the job was from each of its events to the next, the last one up to `until`.
fn phases(facts: &Facts, until: Timestamp) -> Vec<Phase> {
    let mut phases: Vec<Phase> = Vec::new();
    let mut state = None;
    for (at, event) in &facts.events {
        state = Job::evolve(state, event, *at);
        if let Some(last) = phases.last_mut() {
            last.until = *at;
        }
        if let Some(job) = &state {
            phases.push(Phase {
                after: *at,
                job: job.clone(),
                until,
            });
        }
    }
    phases
}

impl Audit {
    fn judge(&mut self, slot: Timestamp, phase: &Phase, world: &World<'_>) {
        let policy = &phase.job.policy;
        let due = policy.due_at(world.job, slot);
        let at = match world.facts.decisions.get(&slot) {
            Some(SlotDecision::Fired { at, run }) => {
                self.count(slot, Found::Fired);
                let may_run =
                    |job: &Job| run.unwrap_or(0) <= job.policy.max_runs.unwrap_or(u32::MAX);
                if !world.was(slot, *at).any(may_run) {
                    self.fault(slot, Fault::Miscounted);
                }
                if at.since_ms(due) < -SKEW_MS && !world.jitter_moved(slot, *at) {
                    self.fault(slot, Fault::Early);
                }
                *at
            }
            Some(SlotDecision::Skipped { at, reason }) => {
                self.count(slot, Found::Skipped((*reason).into()));
                let late_ms = at.since_ms(due);
                if !world.was(slot, *at).any(|job| holds(*reason, job, late_ms)) {
                    self.fault(slot, Fault::WrongReason);
                }
                *at
            }
            None => return self.judge_undecided(slot, due, phase, world),
        };
        let was_paused = phase.job.status == JobStatus::Paused;
        if was_paused && !world.was_owed_shortly_before(slot, at) {
            self.fault(slot, Fault::NotOwed);
        }
    }

    fn judge_undecided(
        &mut self,
        slot: Timestamp,
        due: Timestamp,
        phase: &Phase,
        world: &World<'_>,
    ) {
        if world.is_given_up(slot) {
            return self.count(slot, Found::Skipped(SlotReason::Misfire));
        }
        if phase.job.status == JobStatus::Paused {
            return self.count(slot, Found::Skipped(SlotReason::Paused));
        }
        if world.has_run_out(slot, &phase.job) {
            return self.count(slot, Found::Skipped(SlotReason::Limit));
        }
        let end = world.end_of(slot, phase);
        let last = end.map_or(Timestamp::MAX, |(at, _)| at);
        let mut behind = world.facts.decisions.range(slot.plus_ms(1)..);
        let was_passed_over = behind.next().is_some_and(|(later, _)| *later <= last);
        let found = end.map_or(Found::Open, |(_, reason)| Found::Skipped(reason));
        self.count(slot, found);
        if was_passed_over {
            self.fault(slot, Fault::Lost);
        } else if end.is_none() && world.period.until.since_ms(due) > world.period.patience_ms {
            self.fault(slot, Fault::Overdue);
        }
    }

    fn count(&mut self, slot: Timestamp, found: Found) {
        self.owed += 1;
        match found {
            Found::Fired => self.fired += 1,
            Found::Open => self.open += 1,
            Found::Skipped(reason) => *self.skipped.entry(reason).or_default() += 1,
        }
        self.found.insert(slot, found);
    }

    fn fault(&mut self, slot: Timestamp, fault: Fault) {
        self.violations.push(Violation { fault, slot });
    }

    /// Runs that are counted bear one number after another, from 1 after each creation, and no job
    /// runs more often than it may.
    fn check_runs(&mut self, facts: &Facts, period: Period) {
        let created = facts.events.iter().filter_map(|(at, event)| match event {
            JobEvent::Created(_) => Some(*at),
            _ => None,
        });
        let created: Vec<_> = created.collect();
        let (mut last, mut births) = (0, created.into_iter().peekable());
        for (slot, decision) in &facts.decisions {
            while births.next_if(|at| at < slot).is_some() {
                last = 0;
            }
            let SlotDecision::Fired { run: Some(run), .. } = decision else {
                continue;
            };
            let is_within = *slot > period.after && *slot <= period.until;
            if *run != last + 1 && is_within {
                self.fault(*slot, Fault::Miscounted);
            }
            last = *run;
        }
    }
}

impl World<'_> {
    /// What the job was from when `slot` was due until it was decided `at`.
    fn was(&self, slot: Timestamp, at: Timestamp) -> impl Iterator<Item = &Job> {
        let phases = self.phases.iter();
        let then = phases.filter(move |phase| phase.after <= at && phase.until >= slot);
        then.map(|phase| &phase.job)
    }

    fn is_given_up(&self, slot: Timestamp) -> bool {
        self.facts.events.iter().any(|(_, event)| {
            matches!(event, JobEvent::SlotsSkipped(run) if run.from <= slot && slot <= run.until)
        })
    }

    /// Whether the job had run as often as it may before `slot`.
    fn has_run_out(&self, slot: Timestamp, job: &Job) -> bool {
        let Some(max) = job.policy.max_runs else {
            return false;
        };
        let mut before = self.facts.decisions.range(job.created_at..slot);
        before.any(|(_, decision)| {
            matches!(decision, SlotDecision::Fired { run: Some(run), .. } if *run >= max)
        })
    }

    /// When and why the job owed `slot` no more, if that came to be.
    fn end_of(&self, slot: Timestamp, phase: &Phase) -> Option<(Timestamp, SlotReason)> {
        let mut later = self
            .phases
            .iter()
            .filter(|later| later.after >= phase.until);
        later.find_map(|later| match later.job.status {
            JobStatus::Paused => Some((later.after, SlotReason::Paused)),
            JobStatus::Active if later.job.since < slot => None,
            JobStatus::Active | JobStatus::Deleted => Some((later.after, SlotReason::Changed)),
        })
    }

    /// Whether a slot that was decided `at` was owed until a moment before, so that who decided it
    /// may not have heard better.
    fn was_owed_shortly_before(&self, slot: Timestamp, at: Timestamp) -> bool {
        let mut phases = self.phases.iter();
        phases.any(|phase| {
            let is_recent = at.since_ms(phase.until) <= HEARD_MS;
            let is_active = phase.job.status == JobStatus::Active
                && slot > phase.after
                && !phase.job.policy.has_ended(slot);
            let scan = Scan::try_new(&phase.job.schedule);
            let is_slot = || scan.is_ok_and(|scan| scan.slots(slot.plus_ms(-1), slot) == [slot]);
            is_recent && is_active && is_slot()
        })
    }

    /// Whether the job's jitter was another one around the time when `slot` was decided `at`.
    fn jitter_moved(&self, slot: Timestamp, at: Timestamp) -> bool {
        let near = self.phases.iter().filter(|phase| {
            phase.until >= slot.plus_ms(-HEARD_MS) && phase.after <= at.plus_ms(HEARD_MS)
        });
        let mut jitters = near.map(|phase| phase.job.policy.jitter_ms);
        let first = jitters.next();
        first.is_some_and(|first| jitters.any(|jitter| jitter != first))
    }
}

/// Whether a slot that was skipped so late may have been for that reason.
fn holds(reason: SkipReason, job: &Job, late_ms: i64) -> bool {
    let policy = &job.policy;
    match reason {
        SkipReason::Deadline => policy
            .start_deadline_ms
            .is_some_and(|deadline_ms| late_ms + SKEW_MS > deadline_ms as i64),
        SkipReason::Misfire => {
            // Who fires each missed slot skips only what the policy leaves out.
            let has_limits = policy.misfire_max.is_some() || policy.misfire_window_ms.is_some();
            (job.misfire != Misfire::All || has_limits) && late_ms + SKEW_MS > ON_TIME_MS
        }
        SkipReason::Overlap => job.overlap != Overlap::Allow,
    }
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
