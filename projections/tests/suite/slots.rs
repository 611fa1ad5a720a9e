//! Ledgers of jobs' slots.
//!
//! Invariant: page by page, a ledger is what the domain makes of the same log, and no other
//! tenant's.

use std::collections::BTreeMap;

use projections::slots::{Period, SlotKey, ledger};
use schemas::domain::{
    JobId, TaskId, Timestamp,
    job::{Job, JobCommand, JobCreated, JobPolicy, LedgerSlot, Misfire, Overlap, SlotOutcome},
    schedule::Schedule,
    task::{JobSlot, SkipReason, Task, TaskCommand, TaskCreated, TaskSpec},
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

/// A job every minute that may run twice.
fn created() -> JobCommand {
    let task = serde_json::json!({"kind": "echo"});
    let task: TaskSpec = serde_json::from_value(task).expect("a task");
    JobCommand::Create(JobCreated {
        name: schemas::domain::Name::try_new("each minute").expect("a name"),
        schedule: Schedule::Interval { every_ms: 60_000 },
        task,
        overlap: Overlap::Skip,
        misfire: Misfire::Latest,
        enabled: true,
        origin: None,
        policy: JobPolicy {
            max_runs: Some(2),
            ..JobPolicy::default()
        },
    })
}

/// Decides the slot of a minute, so late.
async fn decide(world: &mut World, minute: i64, late_ms: i64, fires: Option<u32>) {
    let slot = slot(minute);
    let job_id = JobId::new(JOB);
    let origin = JobSlot {
        job_id,
        slot: Some(slot),
        run: fires,
    };
    let task = serde_json::json!({"kind": "echo"});
    let command = match fires {
        Some(_) => TaskCommand::Create(TaskCreated {
            origin: Some(origin),
            ..TaskCreated::new(serde_json::from_value(task).expect("a task"))
        }),
        None => TaskCommand::SkipSlot {
            origin,
            reason: SkipReason::Overlap,
        },
    };
    world.set_clock(slot.plus_ms(late_ms).unix_ms());
    let id = TaskId::of_slot(job_id, slot).uuid();
    let decided = world.ask::<Task>(TENANTS[0], id, &command).await;
    assert!(decided.is_some());
}

async fn known() -> Database {
    let mut world = World::new("slots", 1);
    world.set_clock(START.unix_ms());
    let made = world.ask::<Job>(TENANTS[0], JOB, &created()).await;
    assert!(made.is_some());
    decide(&mut world, 1, 5, Some(1)).await;
    decide(&mut world, 2, 6, None).await;
    world.set_clock(slot(2).plus_ms(30_000).unix_ms());
    let pause = JobCommand::Pause { note: None };
    assert!(world.ask::<Job>(TENANTS[0], JOB, &pause).await.is_some());
    world.set_clock(slot(4).plus_ms(30_000).unix_ms());
    let resumed = world.ask::<Job>(TENANTS[0], JOB, &JobCommand::Resume).await;
    assert!(resumed.is_some());
    decide(&mut world, 6, 7, Some(2)).await;
    let database = Database::new().await;
    database.project(&world, 100).await;
    database
}

async fn pages(database: &Database, until: i64, limit: u32) -> Vec<LedgerSlot> {
    let (mut after, mut slots) = (START.plus_ms(-1), vec![]);
    loop {
        let period = Period {
            after,
            until: slot(until),
        };
        let job = JobId::new(JOB);
        let page = ledger(&database.store, TENANTS[0], job, period, limit).await;
        let page = page.expect("read").value.expect("the job was there");
        assert!(page.items.len() <= limit as usize);
        slots.extend(page.items);
        match page.next {
            Some(SlotKey { slot }) => after = slot,
            None => return slots,
        }
    }
}

#[tokio::test]
async fn a_ledger_tells_what_became_of_each_slot() {
    let database = known().await;
    let whole = pages(&database, 8, 100).await;
    let told: BTreeMap<_, _> = whole
        .iter()
        .map(|found| {
            let minute = found.slot.since_ms(START) / 60_000;
            let told = match found.outcome {
                SlotOutcome::Fired { lateness_ms, .. } => format!("fired {lateness_ms}"),
                SlotOutcome::Open => "open".to_owned(),
                SlotOutcome::Skipped { reason, .. } => reason.name().to_owned(),
            };
            (minute, told)
        })
        .collect();
    let expected = [
        (1, "fired 5"),
        (2, "overlap"),
        (3, "paused"),
        (4, "paused"),
        // Resumed and never decided.
        (5, "open"),
        (6, "fired 7"),
        (7, "limit"),
        (8, "limit"),
    ];
    let expected = expected.map(|(minute, told)| (minute, told.to_owned()));
    assert_eq!(told, BTreeMap::from(expected));
    for limit in 1..=4 {
        assert_eq!(pages(&database, 8, limit).await, whole);
    }
    let period = Period {
        after: START,
        until: slot(8),
    };
    let job = JobId::new(JOB);
    let foreign = ledger(&database.store, TENANTS[1], job, period, 10).await;
    assert_eq!(foreign.expect("read").value, None);
}
