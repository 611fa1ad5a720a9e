//! Kinds that Almanac's own workers do not do, and workers that are gone.
//!
//! Invariant: nobody who may not run a kind has its attempt, and no attempt stays with who is gone.

use std::time::Duration;

use commands::{DEFAULT_TENANT, External, Ground, Identity, StopReason, Wanted};
use domain::task::{TaskSpec, TaskStatus};
use event_log::{ExternalQueue, Presence, Role, TaskLogs, Vault};
use runtime::{Clock, Worker};
use serde_json::json;

use crate::{
    workers::Mortal,
    world::{TENANT, World, eventually, open, spec},
};

/// As long as it may take to find out that a worker is gone.
const FOUND_WITHIN_MS: i64 = 30_000;

async fn desk(world: &World) -> External {
    let log = open(&world.servers.nats, Role::Gateway).await;
    let vault = Vault::open(&log, &[7; 32]).await.expect("a vault");
    let identity = Identity::open(world.commands.clone(), vault).await;
    let logs = TaskLogs::open(&log, &runtime::TaskLogs::default(), false).await;
    let ground = Ground {
        leased: Presence::of_leased(&log).await.expect("a bucket"),
        logs: logs.expect("a stream"),
        queue: ExternalQueue::new(&log),
        workers: Presence::of_workers(&log).await.expect("a bucket"),
    };
    External::new(
        world.commands.clone(),
        identity.expect("an identity"),
        ground,
    )
}

fn wanted(kind: &str) -> Wanted {
    Wanted {
        kinds: vec![kind.to_owned()],
        max: 1,
        name: "outside".to_owned(),
        tenant: TENANT,
        wait: Duration::from_secs(20),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_silent_outside_loses_the_attempt_and_who_speaks_keeps_it() {
    assert_ne!(TENANT, DEFAULT_TENANT);
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let desk = Box::pin(desk(&world)).await;
    let silent = world.create_task(spec("mine.silent", &json!({}))).await;
    let spoken = world.create_task(spec("mine.spoken", &json!({}))).await;
    let lost = desk
        .lease(&wanted("mine.silent"))
        .await
        .expect("asked")
        .remove(0);
    let kept = desk
        .lease(&wanted("mine.spoken"))
        .await
        .expect("asked")
        .remove(0);
    let noticed = eventually("the silence is noticed", async || {
        let beat = desk.beat(&kept.lease).await;
        assert_eq!(beat.expect("heard").stop, None, "it speaks");
        tokio::time::sleep(Duration::from_millis(500)).await;
        let task = world.state(silent).await;
        task.error.is_some().then_some(task)
    })
    .await;
    assert_eq!(noticed.error.expect("an error").code, "worker_lost");
    let attempt = noticed.attempt.expect("an attempt");
    let silent_ms = attempt
        .ended_at
        .expect("an end")
        .since_ms(attempt.started_at);
    assert!(silent_ms <= FOUND_WITHIN_MS, "{silent_ms} ms");
    let late = desk
        .complete(desk.ask(&lost.lease), &lost.lease, json!(1))
        .await;
    assert!(late.is_err(), "a zombie's word counts");
    let beat = desk.beat(&lost.lease).await;
    assert_eq!(beat.expect("heard").stop, Some(StopReason::Lost));
    // It is made again, by whoever asks.
    let again = desk
        .lease(&wanted("mine.silent"))
        .await
        .expect("asked")
        .remove(0);
    assert_eq!(again.lease.attempt, 2);
    for leased in [again, kept] {
        let ask = desk.ask(&leased.lease);
        desk.complete(ask, &leased.lease, json!({}))
            .await
            .expect("done");
    }
    assert_eq!(world.state(silent).await.status, TaskStatus::Succeeded);
    assert_eq!(world.state(spoken).await.attempts(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_worker_is_found_out_though_no_other_is_there() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let only = Mortal::start(&world, Worker::default());
    let task = world
        .create_task(spec("sleep", &json!({"ms": 3_600_000})))
        .await;
    world.until_status(task, TaskStatus::Running).await;
    let died_at = world.clock.now();
    drop(only);
    let lost = world
        .until(task, "the loss is noticed", |task| task.error.is_some())
        .await;
    assert_eq!(lost.error.expect("an error").code, "worker_lost");
    let found_ms = lost.updated_at.since_ms(died_at);
    assert!(found_ms <= FOUND_WITHIN_MS, "{found_ms} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_worker_may_run_waits_and_keeps_nobody_waiting() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let mut waiting = Vec::new();
    let (program, nothing) = (json!({"program": "/bin/true"}), json!({}));
    let once = |kind: &str, payload| TaskSpec {
        max_attempts: 1,
        ..spec(kind, payload)
    };
    for _ in 0..20 {
        waiting.push(world.create_task(once("command", &program)).await);
        waiting.push(world.create_task(once("nobodys", &nothing)).await);
    }
    let forbidden = world.worker(Worker::default()).await;
    for _ in 0..3 {
        let known = world.create_task(spec("echo", &json!(1))).await;
        world.until_status(known, TaskStatus::Succeeded).await;
    }
    for task in &waiting {
        let task = world.state(*task).await;
        assert_eq!((task.status, task.attempts()), (TaskStatus::Queued, 0));
    }
    let allowing = Worker {
        allow_commands: true,
        ..Worker::default()
    };
    let _allowed = world.worker(allowing).await;
    for task in waiting.iter().step_by(2) {
        world.until_status(*task, TaskStatus::Succeeded).await;
    }
    let nobodys = world.state(waiting[1]).await;
    assert_eq!(nobodys.status, TaskStatus::Queued);
    forbidden.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_say_that_they_are_there_and_that_they_go() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let log = open(&world.servers.nats, Role::Gateway).await;
    let workers = Presence::of_workers(&log).await.expect("a bucket");
    let leased = Presence::of_leased(&log).await.expect("a bucket");
    let workers = commands::Workers::new(workers, leased);
    let patient = Worker {
        concurrency: 3,
        zone: Some("cellar".to_owned()),
        ..Worker::default()
    };
    let worker = world.worker(patient).await;
    let task = world
        // Longer than it takes until a worker says anew what it is at.
        .create_task(spec("sleep", &json!({"ms": 8_000})))
        .await;
    world.until_status(task, TaskStatus::Running).await;
    let seen = eventually("what it is at", async || {
        let all = workers.all().await.expect("asked");
        all.into_iter().find(|one| !one.entry.running.is_empty())
    })
    .await;
    let entry = seen.entry;
    assert_eq!((entry.running[0].task, entry.slots), (task, Some(3)));
    // Those that want read models, a copy of the log or a permission are another worker's.
    let kinds = [
        "cleanup",
        "echo",
        "http",
        "process-data",
        "send-notification",
        "sleep",
    ];
    assert_eq!(entry.kinds, kinds);
    assert_eq!(
        (entry.zone.as_deref(), entry.draining),
        (Some("cellar"), false)
    );
    let stopping = tokio::spawn(worker.stop());
    eventually("that it drains", async || {
        let all = workers.all().await.expect("asked");
        all.iter().any(|one| one.entry.draining).then_some(())
    })
    .await;
    stopping.await.expect("stopped");
    assert!(workers.all().await.expect("asked").is_empty());
    // It was let to end.
    assert_eq!(world.state(task).await.status, TaskStatus::Succeeded);
}
