//! Limits of the work that goes on, of time, and of patience.
//!
//! Invariant: the log is the judge of what ran beside what, and of how each task ended.

use std::num::NonZeroU32;

use domain::{
    TaskId, Timestamp,
    task::{CancelMode, Task, TaskCancelRequested, TaskCommand, TaskSpec, TaskStatus},
};
use runtime::{Clock, WorkLimit, Worker};
use serde_json::json;

use crate::world::{World, spec};

fn sleeping(ms: u64) -> TaskSpec {
    spec("sleep", &json!({ "ms": ms }))
}

/// When its last attempt began and ended.
fn ran(task: &Task) -> (Timestamp, Timestamp) {
    let attempt = task.attempt.as_ref().expect("an attempt");
    (attempt.started_at, attempt.ended_at.expect("an end"))
}

/// How many of these ran at a time at most.
fn most_at_once(tasks: &[Task]) -> usize {
    let ran: Vec<_> = tasks.iter().map(ran).collect();
    let at_once = |at: Timestamp| {
        ran.iter()
            .filter(|(from, to)| *from <= at && at < *to)
            .count()
    };
    ran.iter()
        .map(|(from, _)| at_once(*from))
        .max()
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_of_a_kind_run_at_a_time_than_its_limit_also_after_a_change_of_leaders() {
    let world = World::start(Clock::system()).await;
    let limited = || {
        let mut config = runtime::Scheduler::default();
        let limit = WorkLimit {
            concurrency: NonZeroU32::new(2),
            per_minute: None,
        };
        config.limits.kinds.insert("sleep".to_owned(), limit);
        config
    };
    let scheduler = world.scheduler_as(limited()).await;
    let _worker = world.worker(Worker::default()).await;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        tasks.push(world.create_task(sleeping(200)).await);
    }
    let other = world.create_task(spec("echo", &json!(1))).await;
    world.until_status(other, TaskStatus::Succeeded).await;
    world.until_status(tasks[1], TaskStatus::Succeeded).await;
    scheduler.stop().await;
    world.until_projected().await;
    let _scheduler = world.scheduler_as(limited()).await;
    let mut ended = Vec::new();
    for task in tasks {
        ended.push(world.until_status(task, TaskStatus::Succeeded).await);
    }
    assert_eq!(most_at_once(&ended), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn time_runs_out_for_what_waits_and_for_what_takes_too_long() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let waiting = TaskSpec {
        queue_timeout_ms: Some(300),
        ..spec("echo", &json!(1))
    };
    // There is no worker yet.
    let waiting = world.create_task(waiting).await;
    let ended = world.until_status(waiting, TaskStatus::Failed).await;
    assert_eq!(ended.error.expect("an error").code, "queue_timeout");
    assert!(ended.attempt.is_none());
    let _worker = world.worker(Worker::default()).await;
    let long = TaskSpec {
        total_timeout_ms: Some(700),
        ..sleeping(3_600_000)
    };
    let long = world.create_task(long).await;
    let ended = world.until_status(long, TaskStatus::Failed).await;
    assert_eq!(ended.error.expect("an error").code, "total_timeout");
    let silent = TaskSpec {
        silence_timeout_ms: Some(200),
        max_attempts: 1,
        ..sleeping(3_600_000)
    };
    let silent = world.create_task(silent).await;
    let ended = world.until_status(silent, TaskStatus::Dead).await;
    assert_eq!(ended.error.expect("an error").code, "silent");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_insists_leaves_a_handler_no_more_time() {
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
    let patient = TaskCancelRequested {
        grace_ms: Some(3_600_000),
        ..TaskCancelRequested::default()
    };
    world.task(task, TaskCommand::Cancel(patient)).await;
    let asked = std::time::Instant::now();
    let forced = TaskCancelRequested {
        mode: Some(CancelMode::Forced),
        ..TaskCancelRequested::default()
    };
    world.task(task, TaskCommand::Cancel(forced)).await;
    world.until_status(task, TaskStatus::Cancelled).await;
    assert!(asked.elapsed() < scheduler::worker::STOP_GRACE);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_did_after_its_attempt_was_taken_away_is_kept_as_evidence() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let _worker = world.worker(Worker::default()).await;
    let task = world.create_task(sleeping(1_500)).await;
    let running = world.until_status(task, TaskStatus::Running).await;
    let attempt = running.attempt.expect("an attempt");
    // As whoever takes it for lost does.
    let lost = TaskCommand::Fail {
        attempt: 1,
        error: domain::task::TaskError {
            code: "worker_lost".to_owned(),
            message: "taken away".to_owned(),
            retryable: false,
            retry_after_ms: None,
        },
        id: task,
        worker: attempt.worker.clone(),
    };
    world.task(task, lost).await;
    let kept = world
        .until(task, "the late result is kept", |task| {
            !task.late.is_empty()
        })
        .await;
    assert_eq!(kept.status, TaskStatus::Failed);
    assert_eq!(kept.late[0].worker, attempt.worker);
    assert_eq!(kept.late[0].error_code, None);
    assert!(kept.output.is_none());
}

impl World {
    /// Tasks that have failed for good.
    async fn failed(&self, count: usize) -> Vec<TaskId> {
        let mut tasks = Vec::new();
        for _ in 0..count {
            tasks.push(
                self.create_task(spec("sleep", &json!({"ms": "never"})))
                    .await,
            );
        }
        for task in &tasks {
            self.until_status(*task, TaskStatus::Failed).await;
        }
        tasks
    }
}

mod operations {
    use commands::Ask;
    use domain::{
        Actor, CommandId, OperationId,
        operation::{Action, Operation, OperationCommand, OperationStarted, TaskFilter},
    };

    use super::*;
    use crate::world::{TENANT, eventually};

    impl World {
        async fn operate(&self, action: Action, filter: TaskFilter) -> OperationId {
            let id = self.ids.next();
            let as_of = self.commits().await;
            let started = OperationStarted {
                action,
                as_of,
                filter,
            };
            let ask = Ask::new(Actor::System("test".into()), TENANT, id, CommandId::new(id));
            let start = OperationCommand::Start(started);
            let begun = self.commands.execute::<Operation>(ask, start).await;
            begun.expect("begun");
            OperationId::new(id)
        }

        async fn until_finished(&self, id: OperationId) -> Operation {
            eventually("the operation ends", async || {
                let found = self.commands.state::<Operation>(TENANT, id.uuid()).await;
                let found = found.expect("the log answers").expect("there").state;
                Some(found).filter(|operation| operation.finished_at.is_some())
            })
            .await
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_has_failed_is_put_back_by_one_operation_whoever_leads() {
        let world = World::start(Clock::system()).await;
        let scheduler = world.scheduler().await;
        let worker = world.worker(Worker::default()).await;
        let failed = world.failed(5).await;
        let other = world.create_task(spec("echo", &json!(1))).await;
        world.until_status(other, TaskStatus::Succeeded).await;
        worker.stop().await;
        scheduler.stop().await;
        let filter = TaskFilter {
            kinds: vec!["sleep".to_owned()],
            ..TaskFilter::default()
        };
        // Nobody leads when it is asked for.
        let id = world.operate(Action::Replay, filter.clone()).await;
        world.until_projected().await;
        let _scheduler = world.scheduler().await;
        let done = world.until_finished(id).await;
        assert_eq!((done.counts.changed, done.counts.refused), (5, 0));
        for task in &failed {
            let task = world.state(*task).await;
            assert_eq!(task.status, TaskStatus::Queued);
        }
        let id = world.operate(Action::Cancel, filter).await;
        let done = world.until_finished(id).await;
        assert_eq!((done.counts.changed, done.counts.refused), (5, 0));
        for task in &failed {
            let task = world.state(*task).await;
            assert_eq!(task.status, TaskStatus::Cancelled);
        }
    }
}
