//! How jobs do.
//!
//! Invariant: what is told of a job's runs is what the log says of the latest of them.

use projections::health::{JobHealth, health};
use schemas::domain::{
    JobId, TaskId, TenantId, Timestamp,
    job::{Job, JobCommand, JobCreated, JobPolicy, Misfire, Overlap, Signs},
    schedule::Schedule,
    task::{JobSlot, SkipReason, Task, TaskCommand, TaskCreated, TaskError, TaskSpec},
};
use uuid::Uuid;

use crate::{
    database::Database,
    world::{TENANTS, World},
};

const JOB: Uuid = Uuid::from_u128(0x10B);
const START: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);

fn slot(minute: i64) -> Timestamp {
    START.plus_ms(minute * 60_000)
}

async fn ask(world: &mut World, id: TaskId, at: Timestamp, command: TaskCommand) {
    world.set_clock(at.unix_ms());
    let done = world.ask::<Task>(TENANTS[0], id.uuid(), &command).await;
    assert!(done.is_some(), "{command:?}");
}

/// Runs the slot of a minute: it waits so long, takes so long, and succeeds or not.
async fn run(world: &mut World, minute: i64, wait_ms: i64, took_ms: i64, succeeds: bool) {
    let slot = slot(minute);
    let id = TaskId::of_slot(JobId::new(JOB), slot);
    let created = TaskCreated {
        origin: Some(JobSlot {
            job_id: JobId::new(JOB),
            slot: Some(slot),
            run: None,
        }),
        ..TaskCreated::new(TaskSpec::new("echo", serde_json::Value::Null))
    };
    let (attempt, worker) = (1, "w".to_owned());
    let start = TaskCommand::Start {
        attempt,
        worker: worker.clone(),
    };
    let end = if succeeds {
        TaskCommand::Succeed {
            attempt,
            output: serde_json::Value::Null,
            worker,
        }
    } else {
        let error = TaskError {
            code: "broken".to_owned(),
            message: "it did not work".to_owned(),
            retryable: false,
            retry_after_ms: None,
        };
        TaskCommand::Fail {
            attempt,
            error,
            id,
            worker,
        }
    };
    let began = slot.plus_ms(wait_ms);
    ask(world, id, slot, TaskCommand::Create(created)).await;
    ask(world, id, began, start).await;
    ask(world, id, began.plus_ms(took_ms), end).await;
}

async fn told(database: &Database, tenant: TenantId) -> Option<JobHealth> {
    let found = health(&database.store, tenant, JobId::new(JOB)).await;
    found.expect("read").value
}

async fn world() -> World {
    let mut world = World::new("health", 1);
    world.set_clock(START.unix_ms());
    let create = JobCommand::Create(JobCreated {
        name: schemas::domain::Name::try_new("each minute").expect("a name"),
        schedule: Schedule::Interval { every_ms: 60_000 },
        task: TaskSpec::new("echo", serde_json::Value::Null),
        overlap: Overlap::Skip,
        misfire: Misfire::Latest,
        enabled: true,
        origin: None,
        policy: JobPolicy::default(),
    });
    assert!(world.ask::<Job>(TENANTS[0], JOB, &create).await.is_some());
    world
}

#[tokio::test]
async fn a_job_is_told_by_its_latest_thousand_runs() {
    let mut world = world().await;
    // Forgotten, since a thousand follow.
    for minute in 1..=3 {
        run(&mut world, minute, 50_000, 9_000, false).await;
    }
    for minute in 4..=1_001 {
        run(&mut world, minute, 10, minute, true).await;
    }
    for minute in 1_002..=1_003 {
        run(&mut world, minute, 20, 5, false).await;
    }
    let origin = JobSlot {
        job_id: JobId::new(JOB),
        slot: Some(slot(1_004)),
        run: None,
    };
    let skip = TaskCommand::SkipSlot {
        origin,
        reason: SkipReason::Overlap,
    };
    let skipped = TaskId::of_slot(JobId::new(JOB), slot(1_004));
    ask(&mut world, skipped, slot(1_004), skip).await;
    let database = Database::new().await;
    database.project(&world, 1_000).await;
    let found = told(&database, TENANTS[0]).await.expect("a job");
    let counts = (found.runs, found.succeeded, found.failed, found.cancelled);
    assert_eq!(counts, (1_000, 998, 2, 0));
    let took = found.duration_ms;
    // Of 998 that took from 4 to 1001 ms.
    assert_eq!(
        (took.sampled, took.p50, took.p95, took.p99),
        (998, 502, 952, 992)
    );
    assert_eq!((found.wait_ms.sampled, found.wait_ms.p99), (1_000, 10));
    let signs = Signs {
        failures_in_a_row: 2,
        is_running: false,
        last_decided: Some(slot(1_004)),
        last_fired: Some(slot(1_003)),
        runs: 0,
    };
    assert_eq!(found.signs, signs);
    assert_eq!(told(&database, TENANTS[1]).await, None);
}

#[tokio::test]
async fn a_job_without_a_run_has_nothing_to_tell() {
    let world = world().await;
    let database = Database::new().await;
    database.project(&world, 10).await;
    let found = told(&database, TENANTS[0]).await.expect("a job");
    assert_eq!((found.runs, found.duration_ms.sampled), (0, 0));
    assert_eq!(found.signs, Signs::default());
}
