//! Jobs whose next slot is due while tasks of earlier ones still live.
//!
//! Invariant: unless the job allows it, no two of its tasks run at a time; the log is the judge.

use std::collections::BTreeMap;

use domain::{
    JobId, TaskId, Timestamp,
    job::{JobCommand, JobCreated, Overlap},
    task::{SkipReason, Task, TaskStatus},
};
use runtime::{Clock, Worker};
use serde_json::json;

use crate::world::{World, echo_every, spec};

async fn sleeping(world: &World, overlap: Overlap, every_ms: u64, ms: u64) -> JobId {
    let job = JobCreated {
        overlap,
        task: spec("sleep", &json!({ "ms": ms })),
        ..echo_every(every_ms)
    };
    world.create_job(job).await
}

/// The slots of `job` that became tasks, once it is paused after `count` slots and all have ended.
async fn ended(world: &World, job: JobId, count: usize) -> BTreeMap<Timestamp, Task> {
    let slots = world.until_slots(job, count).await;
    world.job(job, JobCommand::Pause { note: None }).await;
    let mut ended = BTreeMap::new();
    for (slot, task) in slots {
        if task.skipped.is_none() {
            let id = TaskId::of_slot(job, slot);
            let task = world.until(id, "an end", |task| task.status.is_final());
            ended.insert(slot, task.await);
        }
    }
    ended
}

/// Checks that each began once the one before it had ended.
fn one_by_one(tasks: &BTreeMap<Timestamp, Task>) {
    let began = |task: &Task| task.attempt.as_ref().map(|attempt| attempt.started_at);
    let mut before: Option<Timestamp> = None;
    for (slot, task) in tasks {
        let began = began(task).or(task.finished_at);
        assert!(began >= before, "{slot} began before another had ended");
        before = task.finished_at;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_runs_one_after_the_other() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let _worker = world.worker(Worker::default()).await;
    let job = sleeping(&world, Overlap::QueueAll, 100, 300).await;
    let tasks = ended(&world, job, 5).await;
    assert!(tasks.len() >= 5, "none is skipped");
    one_by_one(&tasks);
    let succeeded = |task: &Task| task.status == TaskStatus::Succeeded;
    assert!(tasks.values().all(succeeded), "{tasks:?}");
    let waits = tasks.values().map(|task| task.after.len()).max();
    assert!(waits > Some(1), "those behind name all that live");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_waits_and_the_others_are_skipped() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    // Nobody works, so the first task stays open.
    let job = sleeping(&world, Overlap::QueueOne, 100, 1).await;
    let slots = world.until_slots(job, 6).await;
    let reasons: Vec<_> = slots.values().map(|task| task.skipped).collect();
    assert_eq!(reasons[..2], [None, None]);
    let overlap = Some(SkipReason::Overlap);
    assert!(reasons[2..].iter().all(|reason| *reason == overlap));
    world.job(job, JobCommand::Pause { note: None }).await;
    let _worker = world.worker(Worker::default()).await;
    let tasks = ended(&world, job, 2).await;
    one_by_one(&tasks);
    let held: Vec<_> = tasks.values().map(|task| task.after.len()).collect();
    assert_eq!(held[..2], [0, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_takes_the_place_of_the_one_before() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let _worker = world.worker(Worker::default()).await;
    for overlap in [Overlap::CancelPrevious, Overlap::TerminatePrevious] {
        let job = sleeping(&world, overlap, 2_000, 60_000).await;
        let slots = world.until_slots(job, 3).await;
        world.job(job, JobCommand::Pause { note: None }).await;
        let ids: Vec<_> = slots.keys().map(|at| TaskId::of_slot(job, *at)).collect();
        let (mut asked, mut before) = (0, None);
        for pair in ids.windows(2) {
            let task = world.until_status(pair[0], TaskStatus::Cancelled).await;
            let request = task.cancel_requested.as_ref().expect("a request");
            // One that had not begun is stopped at once, and nobody has to be asked.
            asked += usize::from(task.attempt.is_some());
            let reason = request.reason.as_deref().expect("a reason");
            assert!(reason.ends_with(&pair[1].to_string()), "{reason}");
            let began = task.attempt.as_ref().map(|attempt| attempt.started_at);
            assert!(began.or(task.finished_at) >= before, "{overlap:?}");
            before = task.finished_at;
        }
        assert!(asked > 0, "{overlap:?}: none had begun");
        let last = ids.last().expect("three slots");
        let running = world.until_status(*last, TaskStatus::Running).await;
        let began = running.running().map(|attempt| attempt.started_at);
        assert!(began >= before, "{overlap:?}");
    }
}
