//! What views say of a log that is known.
//!
//! Invariant: every expected figure is worked out by hand from the times below.

use std::collections::BTreeMap;

use schemas::domain::{
    JobId, Name, TaskId, TenantId, Timestamp,
    job::{Job, JobCommand, JobCreated, JobPolicy, Misfire, Overlap},
    resource::{Resource, ResourceCommand, ResourceCreated},
    schedule::Schedule,
    task::{JobSlot, Priority, SkipReason, Task, TaskCommand, TaskCreated, TaskError, TaskSpec},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use crate::{
    database::Database,
    world::{TENANTS, World},
};

/// 2027-01-15 08:00:00 UTC, when a world begins.
const BEGIN_MS: i64 = 1_800_000_000_000;
const JOB: Uuid = Uuid::from_u128(0x10);

/// A world to which one thing after another happens.
struct Known {
    world: World,
    now_ms: i64,
}

impl Known {
    fn pass(&mut self, ms: i64) {
        self.world.pass(ms);
        self.now_ms += ms;
    }

    async fn task(&mut self, tenant: TenantId, id: u128, command: TaskCommand) {
        let done = self
            .world
            .ask::<Task>(tenant, Uuid::from_u128(id), &command);
        assert!(done.await.is_some(), "task {id}: {command:?}");
    }

    async fn create(&mut self, id: u128, priority: Priority, slot: Option<i64>) {
        let created = TaskCreated {
            origin: slot.map(origin),
            ..TaskCreated::new(TaskSpec {
                priority,
                ..TaskSpec::new("echo", Value::Null)
            })
        };
        self.task(TENANTS[0], id, TaskCommand::Create(created))
            .await;
    }

    async fn start(&mut self, id: u128, attempt: u32) {
        let worker = "w1".to_owned();
        self.task(TENANTS[0], id, TaskCommand::Start { attempt, worker })
            .await;
    }

    async fn succeed(&mut self, id: u128, attempt: u32) {
        let (worker, output) = ("w1".to_owned(), json!({"done": true}));
        let command = TaskCommand::Succeed {
            attempt,
            output,
            worker,
        };
        self.task(TENANTS[0], id, command).await;
    }

    async fn fail(&mut self, id: u128, attempt: u32, code: &str, retryable: bool) {
        let command = TaskCommand::Fail {
            attempt,
            error: TaskError {
                code: code.to_owned(),
                message: "it did not work".to_owned(),
                retryable,
                retry_after_ms: None,
            },
            id: TaskId::new(Uuid::from_u128(id)),
            worker: "w1".to_owned(),
        };
        self.task(TENANTS[0], id, command).await;
    }

    async fn things(&mut self) {
        let name = |text: &str| Name::try_new(text).expect("a name");
        for (id, type_name) in [(1_u128, "host"), (2, "host"), (3, "disk")] {
            let created = ResourceCommand::Create(ResourceCreated {
                type_name: name(type_name),
                name: name(&format!("{type_name} {id}")),
                attributes: serde_json::Map::default(),
                labels: BTreeMap::default(),
                origin: None,
            });
            let made = self
                .world
                .ask::<Resource>(TENANTS[0], Uuid::from_u128(id), &created);
            assert!(made.await.is_some());
        }
        let created = JobCommand::Create(JobCreated {
            name: name("nightly backup"),
            schedule: Schedule::Interval { every_ms: 60_000 },
            task: TaskSpec {
                priority: Priority::Low,
                ..TaskSpec::new("echo", Value::Null)
            },
            overlap: Overlap::Skip,
            misfire: Misfire::Latest,
            enabled: true,
            origin: None,
            policy: JobPolicy::default(),
        });
        assert!(
            self.world
                .ask::<Job>(TENANTS[0], JOB, &created)
                .await
                .is_some()
        );
    }
}

fn origin(slot_ms: i64) -> JobSlot {
    JobSlot {
        job_id: JobId::new(JOB),
        slot: Some(Timestamp::from_unix_ms(slot_ms)),
        run: None,
    }
}

/// One of everything that analysts ask about, and a moment of another tenant.
pub(super) async fn known() -> Database {
    let mut known = Known {
        world: World::new("known", 1),
        now_ms: BEGIN_MS,
    };
    known.things().await;
    // 1: waits 1000, runs 500.
    known.create(1, Priority::Normal, None).await;
    known.pass(1_000);
    known.start(1, 1).await;
    known.pass(500);
    known.succeed(1, 1).await;
    // 2: waits 2000, fails after 100, waits an hour, runs 300.
    known.create(2, Priority::Normal, None).await;
    known.pass(2_000);
    known.start(2, 1).await;
    known.pass(100);
    known.fail(2, 1, "timeout", true).await;
    known.pass(3_600_000);
    known.start(2, 2).await;
    known.pass(300);
    known.succeed(2, 2).await;
    // 3: for a slot, begun 4000 late, fails for good after 250; its next slot is skipped.
    let slot = known.now_ms;
    known.create(3, Priority::Low, Some(slot)).await;
    known.pass(4_000);
    known.start(3, 1).await;
    let skipped = TaskCommand::SkipSlot {
        origin: origin(known.now_ms),
        reason: SkipReason::Overlap,
    };
    known.task(TENANTS[0], 4, skipped).await;
    known.pass(250);
    known.fail(3, 1, "refused", false).await;
    // 5 waits, and so does one of another tenant.
    known.create(5, Priority::High, None).await;
    let created = TaskCreated::new(TaskSpec {
        max_attempts: 1,
        timeout_ms: 1_000,
        ..TaskSpec::new("http", Value::Null)
    });
    known
        .task(TENANTS[1], 6, TaskCommand::Create(created))
        .await;

    let database = Database::new().await;
    database.project(&known.world, 3).await;
    database
}

/// What a statement answers with as an analyst, as text: one line for each row.
pub(super) async fn lines(database: &Database, statement: &str) -> Vec<String> {
    let mut analyst = PgConnection::connect(&database.urls.analyst)
        .await
        .expect("connected");
    let rows = format!(
        "select array_to_string(array(select value from json_each_text(row_to_json(r))), ' | ', \
         '-') from ({statement}) as r"
    );
    let asked = sqlx::query_scalar(AssertSqlSafe(rows));
    asked.fetch_all(&mut analyst).await.expect(statement)
}

#[tokio::test]
async fn attempts_runs_and_durations_are_those_of_the_log() {
    let database = known().await;
    let attempts = "select right(task_id::text, 1) as task, attempt, outcome, error_code, \
                    is_retryable, duration_ms, worker \
                    from task_attempts order by started_at";
    assert_eq!(
        lines(&database, attempts).await,
        [
            "1 | 1 | succeeded | - | - | 500 | w1",
            "2 | 1 | failed | timeout | true | 100 | w1",
            "2 | 2 | succeeded | - | - | 300 | w1",
            "3 | 1 | failed | refused | false | 250 | w1",
        ]
    );
    let runs = "select right(task_id::text, 1) as task, status, skip_reason, attempt, error_code, \
                lateness_ms, duration_ms from job_runs order by created_at";
    assert_eq!(
        lines(&database, runs).await,
        [
            "3 | failed | - | 1 | refused | 4000 | 250",
            "4 | skipped | overlap | - | - | - | -",
        ]
    );
    let states = "select right(task_id::text, 1) as task, version, status, duration_ms, is_current \
                  from task_state_durations where right(task_id::text, 1) in ('2', '5') \
                  order by 1, version";
    assert_eq!(
        lines(&database, states).await,
        [
            "2 | 1 | queued | 2000 | false",
            "2 | 2 | running | 100 | false",
            "2 | 3 | retrying | 3600000 | false",
            "2 | 4 | running | 300 | false",
            "2 | 5 | succeeded | - | true",
            "5 | 1 | queued | - | true",
        ]
    );
}

#[tokio::test]
async fn figures_of_days_and_of_tasks_are_those_of_the_log() {
    let database = known().await;
    let days = "select day, created, skipped, attempts, failed_attempts, succeeded, failed, dead, \
                cancelled, requeued, round(success_ratio::numeric, 3) as ratio \
                from daily_task_stats order by tenant_id";
    assert_eq!(
        lines(&database, days).await,
        [
            "2027-01-15 | 4 | 1 | 4 | 2 | 2 | 1 | 0 | 0 | 0 | 0.667",
            "2027-01-15 | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | -",
        ]
    );
    let tasks = "select right(task_id::text, 1) as task, status, priority, attempt, max_attempts, \
                 timeout_ms, duration_ms, error_code, finished_at is null as open, version \
                 from tasks order by created_at, 1";
    assert_eq!(
        lines(&database, tasks).await,
        [
            "1 | succeeded | normal | 1 | 3 | 60000 | 500 | - | false | 3",
            "2 | succeeded | normal | 2 | 3 | 60000 | 300 | - | false | 5",
            "3 | failed | low | 1 | 3 | 60000 | 250 | refused | false | 3",
            "4 | skipped | normal | - | 1 | 1 | - | - | false | 1",
            "5 | queued | high | - | 3 | 60000 | - | - | true | 1",
            "6 | queued | normal | - | 1 | 1000 | - | - | true | 1",
        ]
    );
    let fresh = "select s.projection, s.position = max(e.position) as whole, \
                 s.reached_at = max(e.occurred_at) as same, s.parked_commits \
                 from projection_status s, events e \
                 group by s.projection, s.position, s.reached_at, s.parked_commits";
    assert_eq!(
        lines(&database, fresh).await,
        ["read_models | true | true | 0"]
    );
}

/// Each event is in the view of its type with what it says, and in that of all.
#[tokio::test]
async fn every_event_is_in_the_view_of_its_type() {
    let world = World::random(9, 900).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    let mut analyst = PgConnection::connect(&database.urls.analyst)
        .await
        .expect("connected");
    let types = "select type, count(*) from events group by type";
    let types: Vec<(String, i64)> = sqlx::query_as(types)
        .fetch_all(&mut analyst)
        .await
        .expect("asked");
    assert!(types.len() > 25, "{types:?}");
    for (name, count) in types {
        let view = format!("ev_{}", name.replace('.', "_"));
        // Every column is read, so that each of its casts is tried.
        let ask = format!("select count(*) from (select v::text from {view} v offset 0) as t");
        let found: i64 = sqlx::query_scalar(AssertSqlSafe(ask))
            .fetch_one(&mut analyst)
            .await
            .unwrap_or_else(|failure| panic!("{view}: {failure}"));
        assert_eq!(found, count, "{view}");
    }
    let known = known().await;
    let failed = "select attempt, worker, error_code, error_message, error_retryable \
                  from ev_task_attempt_failed order by position";
    assert_eq!(
        lines(&known, failed).await,
        [
            "1 | w1 | timeout | it did not work | true",
            "1 | w1 | refused | it did not work | false",
        ]
    );
    let skipped = "select job_id, origin_slot_at, reason from ev_task_slot_skipped";
    let told = lines(&known, skipped).await;
    assert!(told[0].starts_with(&JOB.to_string()), "{told:?}");
    assert!(told[0].ends_with("| overlap"), "{told:?}");
}
