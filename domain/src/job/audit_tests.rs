//! Faults planted into what the log says of a job, each of which must be found.
//!
//! Invariant: without a fault, nothing is found.

use super::*;
use crate::{
    job::{
        JobCreated, JobPaused, JobPolicy, JobResumed, JobSlotsSkipped, JobUpdated, tests::nightly,
    },
    schedule::Schedule,
};
use uuid::Uuid;

const JOB: JobId = JobId::new(Uuid::from_u128(7));

fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_ms(second * 1_000)
}

fn job(policy: JobPolicy) -> JobCreated {
    JobCreated {
        schedule: Schedule::Interval { every_ms: 10_000 },
        policy,
        ..nightly()
    }
}

/// A job every ten seconds from the beginning on, whose slots fire on time up to `last`.
fn punctual(policy: JobPolicy, last: i64) -> Facts {
    let fired = |run: i64| {
        let slot = at(run * 10);
        let decision = SlotDecision::Fired {
            at: policy.due_at(JOB, slot).plus_ms(5),
            run: policy.max_runs.map(|_| run as u32),
        };
        (slot, decision)
    };
    Facts {
        decisions: (1..=last / 10).map(fired).collect(),
        events: vec![(at(0), JobEvent::Created(job(policy)))],
    }
}

fn audited(facts: &Facts, until: i64) -> Audit {
    let period = Period {
        after: at(0),
        patience_ms: 30_000,
        until: at(until),
    };
    audit(JOB, facts, period).expect("a schedule that can be scanned")
}

fn faults(facts: &Facts, until: i64) -> Vec<(i64, Fault)> {
    let violations = audited(facts, until).violations.into_iter();
    violations
        .map(|wrong| (wrong.slot.unix_ms() / 1_000, wrong.fault))
        .collect()
}

const USUAL: JobPolicy = JobPolicy {
    ends_at: None,
    jitter_ms: None,
    max_runs: None,
    misfire_max: None,
    misfire_window_ms: None,
    start_deadline_ms: None,
};

#[test]
fn a_punctual_job_has_no_fault() {
    let found = audited(&punctual(USUAL, 60), 60);
    assert_eq!((found.owed, found.fired, found.open), (6, 6, 0));
    assert_eq!(found.violations, []);
    let jitter = JobPolicy {
        jitter_ms: Some(8_000),
        ..USUAL
    };
    assert_eq!(faults(&punctual(jitter, 60), 60), []);
}

#[test]
fn a_slot_that_was_passed_over_is_lost_and_one_that_waits_too_long_is_overdue() {
    let mut facts = punctual(USUAL, 60);
    facts.decisions.remove(&at(30));
    assert_eq!(faults(&facts, 60), [(30, Fault::Lost)]);
    let facts = punctual(USUAL, 40);
    assert_eq!(faults(&facts, 80), []);
    assert_eq!(audited(&facts, 80).open, 4);
    assert_eq!(faults(&facts, 81), [(50, Fault::Overdue)]);
}

#[test]
fn a_change_behind_a_lost_slot_does_not_hide_it() {
    let mut facts = punctual(USUAL, 60);
    facts.decisions.remove(&at(30));
    let slower = JobUpdated {
        schedule: Some(Schedule::Interval { every_ms: 100_000 }),
        ..JobUpdated::default()
    };
    facts.events.push((at(65), JobEvent::Updated(slower)));
    assert_eq!(faults(&facts, 90), [(30, Fault::Lost)]);
    // The last ones before the change may not have been decided yet.
    facts.decisions = punctual(USUAL, 50).decisions;
    let found = audited(&facts, 90);
    assert_eq!(found.violations, []);
    assert_eq!(found.skipped, BTreeMap::from([(SlotReason::Changed, 1)]));
}

#[test]
fn a_task_before_its_time_and_one_that_nobody_owed_are_found() {
    let mut facts = punctual(USUAL, 60);
    let early = SlotDecision::Fired {
        at: at(19),
        run: None,
    };
    facts.decisions.insert(at(20), early);
    let fired = SlotDecision::Fired {
        at: at(33),
        run: None,
    };
    facts.decisions.insert(at(33), fired);
    let expected = [(20, Fault::Early), (33, Fault::NotOwed)];
    assert_eq!(faults(&facts, 60), expected);
}

#[test]
fn a_reason_must_hold() {
    let mut facts = punctual(USUAL, 60);
    let skip = |facts: &mut Facts, second, late_ms, reason| {
        let at = at(second).plus_ms(late_ms);
        let decision = SlotDecision::Skipped { at, reason };
        facts.decisions.insert(self::at(second), decision);
    };
    skip(&mut facts, 10, 5, SkipReason::Overlap);
    skip(&mut facts, 20, 5, SkipReason::Misfire);
    skip(&mut facts, 30, 2_000, SkipReason::Misfire);
    skip(&mut facts, 40, 2_000, SkipReason::Deadline);
    let wrong = Fault::WrongReason;
    assert_eq!(faults(&facts, 60), [(10, wrong), (20, wrong), (40, wrong)]);
    let policy = JobPolicy {
        start_deadline_ms: Some(1_500),
        ..USUAL
    };
    let wanted = JobCreated {
        overlap: Overlap::Skip,
        ..job(policy)
    };
    facts.events = vec![(at(0), JobEvent::Created(wanted))];
    assert_eq!(faults(&facts, 60), [(20, wrong)]);
}

#[test]
fn what_the_job_itself_explains_is_no_fault() {
    let mut facts = punctual(USUAL, 60);
    for second in [20, 30, 40, 50] {
        facts.decisions.remove(&at(second));
    }
    let run = JobSlotsSkipped {
        from: at(40),
        until: at(50),
        count: Some(2),
        reason: SkipReason::Misfire,
    };
    let paused = JobEvent::Paused(JobPaused { note: None });
    facts.events.push((at(15), paused.clone()));
    facts
        .events
        .push((at(35), JobEvent::Resumed(JobResumed {})));
    facts.events.push((at(58), JobEvent::SlotsSkipped(run)));
    let found = audited(&facts, 60);
    assert_eq!(found.violations, []);
    let expected = BTreeMap::from([(SlotReason::Misfire, 2), (SlotReason::Paused, 2)]);
    assert_eq!(found.skipped, expected);
    // Fired long after the pause must have been heard of.
    let late = SlotDecision::Fired {
        at: at(31),
        run: None,
    };
    facts.decisions.insert(at(30), late);
    assert_eq!(faults(&facts, 60), [(30, Fault::NotOwed)]);
    let soon = SlotDecision::Fired {
        at: at(29),
        run: None,
    };
    facts.decisions.insert(at(30), soon);
    assert_eq!(faults(&facts, 60), [(30, Fault::Early)]);
}

#[test]
fn runs_are_numbered_one_after_another_up_to_the_limit() {
    let limit = JobPolicy {
        max_runs: Some(3),
        ..USUAL
    };
    let mut facts = punctual(limit, 30);
    let found = audited(&facts, 60);
    assert_eq!(found.violations, []);
    assert_eq!(found.skipped, BTreeMap::from([(SlotReason::Limit, 3)]));
    let twice = SlotDecision::Fired {
        at: at(40),
        run: Some(3),
    };
    facts.decisions.insert(at(40), twice);
    assert_eq!(faults(&facts, 60), [(40, Fault::Miscounted)]);
    let fourth = SlotDecision::Fired {
        at: at(40),
        run: Some(4),
    };
    facts.decisions.insert(at(40), fourth);
    assert_eq!(faults(&facts, 60), [(40, Fault::Miscounted)]);
}
