//! Slots become tasks, each once and in time.
//!
//! Invariant: what is owed ends as fired or as skipped with a reason, whoever schedules.

use std::time::Instant;

use domain::{
    Timestamp,
    job::{JobCommand, JobCreated, JobUpdated, Misfire, Overlap},
    schedule::Schedule,
    task::{SkipReason, Task, TaskCommand, TaskStatus},
};
use event_log::{Leases, Role};
use runtime::Clock;
use serde_json::json;

use crate::world::{Part, World, echo_every, eventually, open, spec, steps};

const MINUTE_MS: i64 = 60_000;

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_job_fires_on_time_and_its_tasks_succeed() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let _worker = world.worker(runtime::Worker::default()).await;
    let job = world.create_job(echo_every(200)).await;
    let slots = eventually("ten successes", async || {
        let slots = world.slots(job).await;
        let done = |task: &&Task| task.status == TaskStatus::Succeeded;
        (slots.values().filter(done).count() >= 10).then_some(slots)
    })
    .await;
    assert!(steps(&slots).iter().all(|step| *step == 200), "{slots:?}");
    let late_ms = |(slot, task): (&Timestamp, &Task)| task.created_at.since_ms(*slot);
    let mut late_ms: Vec<_> = slots.iter().map(late_ms).collect();
    late_ms.sort_unstable();
    // Never early; how late on a busy machine is for the bench to say, but not a poll's period.
    assert!(
        late_ms[0] >= 0 && late_ms[late_ms.len() / 2] < 1_000,
        "{late_ms:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_since_the_read_models_is_caught_up_with() {
    let mut world = World::start(Clock::system()).await;
    let paused = JobCreated {
        enabled: false,
        ..echo_every(200)
    };
    let job = world.create_job(paused).await;
    let task = world.create_task(spec("echo", &json!({}))).await;
    let cancel = TaskCommand::Cancel(domain::task::TaskCancelRequested::default());
    world.task(task, cancel).await;
    world.until_projected().await;
    world.stop_projecting().await;
    world.job(job, JobCommand::Resume).await;
    world.task(task, TaskCommand::Requeue).await;
    let _scheduler = world.scheduler().await;
    let _worker = world.worker(runtime::Worker::default()).await;
    world.until_slots(job, 3).await;
    world.until_status(task, TaskStatus::Succeeded).await;
}

/// Two schedulers that both believe that they lead, and the server that keeps one's lease.
async fn two_leaders(world: &World) -> (local::Scratch<local::Nats>, [Part; 2]) {
    let elsewhere = tokio::task::spawn_blocking(local::Nats::scratch)
        .await
        .expect("no panic")
        .expect("a server");
    // A lease that another server keeps: both schedulers believe that they lead.
    open(&elsewhere, Role::Owner).await;
    let leases = Leases::open(&open(&elsewhere, Role::Scheduler).await)
        .await
        .expect("a bucket");
    let own = Leases::open(&world.log).await.expect("a bucket");
    let one = world.scheduler().await;
    let other = world.scheduler_with(leases.clone()).await;
    for leases in [own, leases] {
        eventually("a leader", async || {
            leases.holder("scheduler").await.ok().flatten()
        })
        .await;
    }
    (elsewhere, [one, other])
}

#[tokio::test(flavor = "multi_thread")]
async fn many_due_at_one_instant_fire_once_each_whoever_leads() {
    let world = World::start(Clock::system()).await;
    let (_elsewhere, leaders) = Box::pin(two_leaders(&world)).await;
    // More than are decided one by one.
    let at = Clock::system().now().plus_ms(3_000);
    let once = JobCreated {
        misfire: Misfire::All,
        schedule: Schedule::Once { at },
        ..echo_every(100)
    };
    let mut jobs = vec![];
    for _ in 0..150 {
        jobs.push(world.create_job(once.clone()).await);
    }
    for job in &jobs {
        let slots = world.until_slots(*job, 1).await;
        assert_eq!(slots.keys().collect::<Vec<_>>(), [&at]);
        assert!(
            slots.values().all(|task| task.skipped.is_none()),
            "{slots:?}"
        );
    }
    let tasks = world.tasks().await;
    assert_eq!(tasks.len(), jobs.len());
    for leader in leaders {
        leader.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_leaders_at_once_fire_each_slot_once() {
    let world = World::start(Clock::system()).await;
    let (_elsewhere, leaders) = Box::pin(two_leaders(&world)).await;
    let mut jobs = vec![];
    for _ in 0..20 {
        let every_slot = JobCreated {
            misfire: Misfire::All,
            ..echo_every(100)
        };
        jobs.push(world.create_job(every_slot).await);
    }
    for job in &jobs {
        let slots = world.until_slots(*job, 15).await;
        assert!(steps(&slots).iter().all(|step| *step == 100), "{slots:?}");
        let skipped = slots.values().filter(|task| task.skipped.is_some());
        assert_eq!(skipped.count(), 0);
    }
    for leader in leaders {
        leader.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_takes_over_when_the_leader_goes_or_dies() {
    let world = World::start(Clock::system()).await;
    let leader = world.scheduler().await;
    let job = world
        .create_job(JobCreated {
            misfire: Misfire::All,
            ..echo_every(200)
        })
        .await;
    world.until_slots(job, 3).await;
    let standby = world.scheduler().await;
    leader.stop().await;
    let decided = world.slots(job).await.len();
    world.until_slots(job, decided + 5).await;
    let _third = world.scheduler().await;
    // Nobody releases its lease: it has to expire.
    standby.kill();
    let decided = world.slots(job).await.len();
    let slots = world.until_slots(job, decided + 50).await;
    assert!(steps(&slots).iter().all(|step| *step == 200), "{slots:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_downtime_the_policy_decides() {
    let start = Timestamp::from_unix_ms(1_800_000_000_000);
    let clock = Clock::manual(start);
    let world = World::start(clock.clone()).await;
    let job = async |misfire| {
        let every_minute = echo_every(MINUTE_MS as u64);
        world
            .create_job(JobCreated {
                misfire,
                ..every_minute
            })
            .await
    };
    let (all, latest, skip) = (
        job(Misfire::All).await,
        job(Misfire::Latest).await,
        job(Misfire::Skip).await,
    );
    let jobs = [all, latest, skip];
    let before = world.scheduler().await;
    clock.set(start.plus_ms(MINUTE_MS));
    for job in jobs {
        let slots = world.until_slots(job, 1).await;
        assert!(slots.values().all(|task| task.skipped.is_none()));
    }
    before.stop().await;
    world.until_projected().await;
    clock.set(start.plus_ms(6 * MINUTE_MS + 30_000));
    let _after = world.scheduler().await;
    let fired = [
        [true; 6],
        [true, false, false, false, false, true],
        [true, false, false, false, false, false],
    ];
    for (job, fired) in jobs.into_iter().zip(fired) {
        let slots = world.until_slots(job, 6).await;
        let found: Vec<_> = slots.values().map(|task| task.skipped.is_none()).collect();
        assert_eq!(found, fired);
        let misfire = Some(SkipReason::Misfire);
        assert!(
            slots
                .values()
                .all(|task| task.skipped.is_none() || task.skipped == misfire)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_jobs_due_at_one_instant_all_fire() {
    let start = Timestamp::from_unix_ms(1_800_000_000_000);
    let due = start.plus_ms(MINUTE_MS);
    let clock = Clock::manual(start);
    let world = World::start(clock.clone()).await;
    let created = (0..1_000).map(|_| {
        world.create_job(JobCreated {
            schedule: Schedule::Once { at: due },
            ..echo_every(100)
        })
    });
    let jobs = futures::future::join_all(created).await;
    let _scheduler = world.scheduler().await;
    // The scheduler leads once it fires something.
    let first = world.create_job(echo_every(1_000)).await;
    clock.set(start.plus_ms(1_000));
    world.until_slots(first, 1).await;
    world.job(first, JobCommand::Pause { note: None }).await;
    let before = world.commits().await;
    clock.set(due);
    let begun = Instant::now();
    let wanted = before + jobs.len() as u64;
    eventually("all slots", async || {
        (world.commits().await >= wanted).then_some(())
    })
    .await;
    let took = begun.elapsed();
    println!(
        "{} slots of one instant were decided within {took:?}",
        jobs.len()
    );
    let tasks = world.tasks().await;
    for job in jobs {
        let task = &tasks[&domain::TaskId::of_slot(job, due)];
        assert_eq!(task.skipped, None);
    }
    assert!(took.as_secs() < 10, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overlap_is_skipped_with_a_record() {
    let world = World::start(Clock::system()).await;
    let _scheduler = world.scheduler().await;
    let job = world
        .create_job(JobCreated {
            overlap: Overlap::Skip,
            // Nobody works, so the first task stays open.
            task: spec("sleep", &json!({"ms": 1})),
            ..echo_every(100)
        })
        .await;
    let slots = world.until_slots(job, 6).await;
    let reasons: Vec<_> = slots.values().map(|task| task.skipped).collect();
    let fired = reasons.iter().filter(|reason| reason.is_none()).count();
    assert_eq!(fired, 1, "{reasons:?}");
    assert_eq!(reasons.last(), Some(&Some(SkipReason::Overlap)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_changes_leaves_or_moves_at_once() {
    let start = Timestamp::from_unix_ms(1_800_000_000_000);
    let clock = Clock::manual(start);
    let world = World::start(clock.clone()).await;
    let _scheduler = world.scheduler().await;
    let paused = world.create_job(echo_every(1_000)).await;
    let moved = world.create_job(echo_every(1_000)).await;
    let witness = world.create_job(echo_every(1_000)).await;
    clock.set(start.plus_ms(1_000));
    for job in [paused, moved, witness] {
        world.until_slots(job, 1).await;
    }
    world.job(paused, JobCommand::Pause { note: None }).await;
    let slower = JobUpdated {
        schedule: Some(Schedule::Interval { every_ms: 3_000 }),
        ..JobUpdated::default()
    };
    world.job(moved, JobCommand::Update(slower)).await;
    for second in 2..=4 {
        clock.set(start.plus_ms(second * 1_000));
        world.until_slots(witness, second as usize).await;
    }
    world.job(paused, JobCommand::Resume).await;
    clock.set(start.plus_ms(5_000));
    let resumed = world.until_slots(paused, 2).await;
    let seconds = |slots: &std::collections::BTreeMap<Timestamp, Task>| {
        let seconds = slots.keys().map(|slot| slot.since_ms(start) / 1_000);
        seconds.collect::<Vec<_>>()
    };
    assert_eq!(seconds(&resumed), [1, 5]);
    assert_eq!(seconds(&world.slots(moved).await), [1, 3]);
}
