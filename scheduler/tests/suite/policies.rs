//! When exactly slots fire, how late they may, and how often at all.
//!
//! Invariant: what a job's policy keeps from running is accounted for, or not owed.

use domain::{
    JobId, TaskId, Timestamp,
    job::{Job, JobCreated, JobPolicy, JobSlotsSkipped, Misfire},
    task::SkipReason,
};
use runtime::Clock;

use crate::world::{TENANT, World, echo_every, eventually};

const MINUTE_MS: i64 = 60_000;
const START: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);

fn every_minute(misfire: Misfire, policy: JobPolicy) -> JobCreated {
    JobCreated {
        misfire,
        policy,
        ..echo_every(MINUTE_MS as u64)
    }
}

/// The minutes since the start whose slots were decided, and why those that do not run do not.
async fn minutes(world: &World, job: JobId) -> Vec<(i64, Option<SkipReason>)> {
    let slots = world.slots(job).await;
    let minutes = slots
        .iter()
        .map(|(slot, task)| (slot.since_ms(START) / MINUTE_MS, task.skipped));
    minutes.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_as_often_as_it_may_whoever_leads() {
    let clock = Clock::manual(START);
    let world = World::start(clock.clone()).await;
    let limit = JobPolicy {
        max_runs: Some(3),
        ..JobPolicy::default()
    };
    let limited = world.create_job(every_minute(Misfire::All, limit)).await;
    let witness = echo_every(MINUTE_MS as u64);
    let witness = world.create_job(witness).await;
    let before = world.scheduler().await;
    clock.set(START.plus_ms(MINUTE_MS));
    world.until_slots(limited, 1).await;
    world.until_slots(witness, 1).await;
    before.stop().await;
    world.until_projected().await;
    let _after = world.scheduler().await;
    for minute in 2..=5 {
        clock.set(START.plus_ms(minute * MINUTE_MS));
        world.until_slots(witness, minute as usize).await;
    }
    let fired = [(1, None), (2, None), (3, None)];
    assert_eq!(minutes(&world, limited).await, fired);
    let slots = world.slots(limited).await;
    let runs: Vec<_> = slots
        .values()
        .map(|task| task.origin.and_then(|o| o.run))
        .collect();
    assert_eq!(runs, [Some(1), Some(2), Some(3)]);
    let uncounted = world.slots(witness).await;
    let runs = uncounted
        .values()
        .map(|task| task.origin.and_then(|o| o.run));
    assert!(runs.into_iter().all(|run| run.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_later_than_its_deadline_is_skipped_for_that() {
    let clock = Clock::manual(START);
    let world = World::start(clock.clone()).await;
    let deadline = JobPolicy {
        start_deadline_ms: Some(MINUTE_MS as u64),
        ..JobPolicy::default()
    };
    let job = world.create_job(every_minute(Misfire::All, deadline)).await;
    world.until_projected().await;
    clock.set(START.plus_ms(4 * MINUTE_MS + 30_000));
    let _scheduler = world.scheduler().await;
    world.until_slots(job, 4).await;
    let late = Some(SkipReason::Deadline);
    let expected = [(1, late), (2, late), (3, late), (4, None)];
    assert_eq!(minutes(&world, job).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_run_of_missed_slots_is_given_up_by_one_commit() {
    let clock = Clock::manual(START);
    let world = World::start(clock.clone()).await;
    let job = world
        .create_job(JobCreated {
            misfire: Misfire::Latest,
            ..echo_every(1_000)
        })
        .await;
    world.until_projected().await;
    let hour_ms = 60 * MINUTE_MS;
    let now = START.plus_ms(hour_ms + 500);
    clock.set(now);
    let _scheduler = world.scheduler().await;
    // The latest is on time; a hundred before it are decided one by one.
    let slots = world.until_slots(job, 101).await;
    let skipped = slots
        .values()
        .filter(|task| task.skipped == Some(SkipReason::Misfire));
    assert_eq!(skipped.count(), 100);
    let state = world.commands.state::<Job>(TENANT, job.uuid()).await;
    let current = state.expect("the log answers").expect("it exists");
    let until = START.plus_ms(hour_ms - 101_000);
    assert_eq!(current.state.skipped_until, Some(until));
    assert_eq!(current.version.0, 2);
    let first = slots.keys().next().copied();
    assert_eq!(first, Some(until.plus_ms(1_000)));
    let expected = JobSlotsSkipped {
        from: START.plus_ms(1_000),
        until,
        count: Some(3_499),
        reason: SkipReason::Misfire,
    };
    assert_eq!(world.runs_given_up(job).await, [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_waits_for_its_jitter_and_keeps_its_name() {
    let clock = Clock::manual(START);
    let world = World::start(clock.clone()).await;
    let policy = JobPolicy {
        jitter_ms: Some(30_000),
        ..JobPolicy::default()
    };
    let spread = world.create_job(every_minute(Misfire::Skip, policy)).await;
    let witness = world.create_job(echo_every(500)).await;
    let _scheduler = world.scheduler().await;
    let slot = START.plus_ms(MINUTE_MS);
    let due = policy.due_at(spread, slot);
    clock.set(due.plus_ms(-1));
    let seen = due.plus_ms(-1).unix_ms().div_euclid(500) * 500;
    let seen = TaskId::of_slot(witness, Timestamp::from_unix_ms(seen));
    eventually("the witness", async || {
        world.tasks().await.contains_key(&seen).then_some(())
    })
    .await;
    assert_eq!(minutes(&world, spread).await, []);
    clock.set(due);
    world.until_slots(spread, 1).await;
    assert_eq!(minutes(&world, spread).await, [(1, None)]);
}
