//! Tasks are worked on until they end, whatever happens to workers.
//!
//! Invariant: every end is a commit in the log.

use std::time::Duration;

use domain::{
    TaskId,
    task::{Priority, TaskCancelRequested, TaskCommand, TaskSpec, TaskStatus},
};
use event_log::{Role, Version, WorkItem, WorkQueue};
use runtime::{Clock, Worker};
use serde_json::json;

use crate::{
    workers::Mortal,
    world::{TENANT, World, open, spec},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_running_task_is_cancelled_by_its_worker() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let _worker = world.worker(Worker::default()).await;
    let task = world
        .create_task(spec("sleep", &json!({"ms": 3_600_000})))
        .await;
    world.until_status(task, TaskStatus::Running).await;
    let reason = Some("enough".to_owned());
    world
        .task(
            task,
            TaskCommand::Cancel(TaskCancelRequested::because(reason)),
        )
        .await;
    let asked = std::time::Instant::now();
    let cancelled = world.until_status(task, TaskStatus::Cancelled).await;
    assert!(
        asked.elapsed() < scheduler::worker::HEARTBEAT,
        "no push arrived"
    );
    let request = cancelled.cancel_requested.expect("a request");
    assert_eq!(request.reason.as_deref(), Some("enough"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_does_not_stop_is_ended_by_force() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let allowing = Worker {
        allow_commands: true,
        ..Worker::default()
    };
    let _worker = world.worker(allowing).await;
    let stubborn = json!({"program": "/bin/sh", "args": ["-c", "trap '' TERM; sleep 1000"]});
    let task = world.create_task(spec("command", &stubborn)).await;
    world.until_status(task, TaskStatus::Running).await;
    world
        .task(task, TaskCommand::Cancel(TaskCancelRequested::default()))
        .await;
    let cancelled = world.until_status(task, TaskStatus::Cancelled).await;
    let attempt = cancelled.attempt.expect("an attempt");
    let ended_at = attempt.ended_at.expect("an end");
    let lasted_ms = ended_at.since_ms(attempt.started_at);
    let grace_ms = scheduler::worker::STOP_GRACE.as_millis() as i64;
    // It was asked to stop some milliseconds after it had started.
    assert!(lasted_ms >= grace_ms, "{lasted_ms} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_retried_until_its_attempts_are_used_up() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let allowing = Worker {
        allow_private_addresses: true,
        ..Worker::default()
    };
    let _worker = world.worker(allowing).await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", nobody.local_addr().expect("bound"));
    drop(nobody);
    let twice = TaskSpec {
        max_attempts: 2,
        ..spec("http", &json!({"url": url}))
    };
    let slow = TaskSpec {
        max_attempts: 1,
        timeout_ms: 50,
        ..spec("sleep", &json!({"ms": 3_600_000}))
    };
    let refused = world.create_task(twice).await;
    let late = world.create_task(slow).await;
    let wrong = world.create_task(spec("sleep", &json!({"s": 1}))).await;
    let dead = world.until_status(refused, TaskStatus::Dead).await;
    assert_eq!(dead.attempts(), 2);
    assert_eq!(dead.error.expect("an error").code, "connect_failed");
    let dead = world.until_status(late, TaskStatus::Dead).await;
    assert_eq!(dead.error.expect("an error").code, "timeout");
    let failed = world.until_status(wrong, TaskStatus::Failed).await;
    assert_eq!(failed.error.expect("an error").code, "invalid_payload");
    world.task(wrong, TaskCommand::Requeue).await;
    world
        .until(wrong, "failed again", |task| {
            task.status == TaskStatus::Failed && task.updated_at > failed.updated_at
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_survives_the_death_of_its_worker() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let first = Mortal::start(&world, Worker::default());
    let task = world
        .create_task(spec("sleep", &json!({"ms": 1_500})))
        .await;
    let running = world.until_status(task, TaskStatus::Running).await;
    drop(first);
    let before = running.attempt.expect("an attempt");
    let _second = world.worker(Worker::default()).await;
    let lost = world
        .until(task, "the loss is noticed", |task| task.error.is_some())
        .await;
    assert_eq!(lost.error.expect("an error").code, "worker_lost");
    // Nobody said so: it was noticed because no heartbeat came.
    let silent_ms = lost.updated_at.since_ms(before.started_at);
    let heartbeat_ms = scheduler::worker::HEARTBEAT.as_millis() as i64;
    assert!(silent_ms > heartbeat_ms, "{silent_ms} ms");
    let done = world.until_status(task, TaskStatus::Succeeded).await;
    let attempt = done.attempt.expect("an attempt");
    assert_eq!(attempt.number, 2);
    assert_ne!(attempt.worker, before.worker);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_copy_that_is_given_back_ends_no_healthy_attempt() {
    let world = World::start(Clock::system()).await;
    let scheduler = world.scheduler().await;
    let busy = Worker {
        concurrency: 1,
        ..Worker::default()
    };
    let _first = world.worker(busy).await;
    let task = world
        .create_task(spec("sleep", &json!({"ms": 4_000})))
        .await;
    world.until_status(task, TaskStatus::Running).await;
    scheduler.stop().await;
    let queue = WorkQueue::new(&world.log);
    // Another version, so that the queue does not know it for the same.
    queue
        .push(Priority::Normal, &attempt(task, 1_000))
        .await
        .expect("pushed");
    let wait = Duration::from_secs(20);
    let queue = WorkQueue::new(&open(&world.servers.nats, Role::Worker).await);
    let copy = queue.pull(Priority::Normal, wait).await.expect("pulled");
    let copy = copy.expect("the copy");
    copy.hand_back(Duration::ZERO).await.expect("given back");
    let _second = world.worker(Worker::default()).await;
    let done = world.until_status(task, TaskStatus::Succeeded).await;
    assert_eq!((done.attempts(), done.error), (1, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_was_claimed_unheard_is_made() {
    let world = World::start(Clock::system()).await;
    let scheduler = world.scheduler().await;
    let _worker = world.worker(Worker::default()).await;
    let known = world.create_task(spec("echo", &json!({}))).await;
    let done = world.until_status(known, TaskStatus::Succeeded).await;
    let worker = done.attempt.expect("an attempt").worker;
    scheduler.stop().await;
    let task = world.create_task(spec("echo", &json!({}))).await;
    let start = TaskCommand::Start { attempt: 1, worker };
    world.task(task, start).await;
    let queue = WorkQueue::new(&world.log);
    let pushed = queue.push(Priority::Normal, &attempt(task, 1)).await;
    pushed.expect("pushed");
    let done = world.until_status(task, TaskStatus::Succeeded).await;
    assert_eq!(done.attempts(), 1);
}

/// The first attempt at `task`, as the dispatcher would queue it.
fn attempt(task: TaskId, version: u64) -> WorkItem {
    WorkItem {
        attempt: 1,
        kind: "echo".to_owned(),
        task,
        tenant: TENANT,
        version: Version(version),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_must_go_hands_back_and_the_attempt_does_not_count() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let hasty = Worker {
        drain_ms: 0,
        ..Worker::default()
    };
    let first = world.worker(hasty).await;
    let task = world
        .create_task(spec("sleep", &json!({"ms": 1_000})))
        .await;
    world.until_status(task, TaskStatus::Running).await;
    first.stop().await;
    assert_eq!(world.state(task).await.status, TaskStatus::Queued);
    let _second = world.worker(Worker::default()).await;
    let done = world.until_status(task, TaskStatus::Succeeded).await;
    assert_eq!(done.attempts(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_wait_for_their_time_and_start_without_delay() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let _worker = world.worker(Worker::default()).await;
    let warm = world.create_task(spec("echo", &json!(1))).await;
    world.until_status(warm, TaskStatus::Succeeded).await;
    for wait_ms in [0, 1_500] {
        let due = world.clock.now().plus_ms(wait_ms);
        let task = world
            .create_task_for(Some(due), spec("echo", &json!(wait_ms)))
            .await;
        let done = world.until_status(task, TaskStatus::Succeeded).await;
        assert_eq!(done.output, Some(json!(wait_ms)));
        let started_at = done.attempt.expect("an attempt").started_at;
        let late_ms = started_at.since_ms(due);
        // A worker that polled once a second would take half of one on average.
        assert!((0..500).contains(&late_ms), "{late_ms} ms");
    }
}
