//! Single answers, the figures, the events of an aggregate and the schedule.
//!
//! Invariant: each is what the domain's own states say, and none reaches into another tenant.

use std::collections::BTreeMap;

use projections::{
    api_keys, event_log, jobs, resources, schedule, settings, stats, tasks, tenants, users,
};
use schemas::{
    Position, StreamId,
    api::TaskFlow,
    domain::{
        AggregateKind, ApiKeyId, JobId, ResourceId, TaskId, TenantId, Timestamp, UserId,
        api_key::ApiKey,
        job::{Job, JobStatus},
        resource::Resource,
        settings::Settings,
        task::{Task, TaskCommand, TaskCreated, TaskSpec, TaskStatus},
        tenant::Tenant,
        user::User,
    },
};
use uuid::Uuid;

use crate::{
    database::Database,
    world::{TENANTS, World},
};

/// `$get` answers with the state and version that the world has.
macro_rules! agree {
    ($world:ident, $store:ident, $kind:ident, $state:ty, $get:path, $id:path, $lives:expr) => {
        for (stream, version) in $world.streams(AggregateKind::$kind) {
            let state = $world.state::<$state>(stream).filter($lives);
            let row = $get($store, stream.tenant, $id(stream.id), None)
                .await
                .expect("read");
            assert_eq!(row.position, $world.head().await);
            let living = state.is_some();
            assert_eq!(row.value.as_ref().map(|row| &row.state).is_some(), living);
            if let (Some(row), Some(state)) = (row.value, state) {
                assert_eq!(
                    (row.tenant, row.id, row.version),
                    (stream.tenant, stream.id, version)
                );
                assert_eq!(spelled(&row.state), spelled(&state));
            }
        }
    };
}

/// Postgres keeps numbers as decimals, so one that is whole comes back without an exponent.
fn spelled(state: &impl std::fmt::Debug) -> String {
    format!("{state:?}")
        .replace("1e+16", "10000000000000000")
        .replace("-0.0", "0.0")
}

#[tokio::test]
async fn one_of_each_is_what_the_domain_says() {
    let world = World::random(5, 900).await;
    let database = Database::new().await;
    database.project(&world, 100).await;
    let store = &database.store;
    agree!(world, store, Job, Job, jobs::get, JobId::new, |job| job
        .status
        != JobStatus::Deleted);
    agree!(
        world,
        store,
        Resource,
        Resource,
        resources::get,
        ResourceId::new,
        |r| !r.deleted
    );
    agree!(world, store, Task, Task, tasks::get, TaskId::new, |_| true);
    agree!(world, store, User, User, users::get, UserId::new, |_| true);
    let (get, id) = (api_keys::get, ApiKeyId::new);
    agree!(world, store, ApiKey, ApiKey, get, id, |_| true);
    for (stream, version) in world.streams(AggregateKind::Settings) {
        let row = settings::get(store, stream.tenant, None)
            .await
            .expect("read");
        let row = row.value.expect("a row");
        assert_eq!((row.id, row.version), (stream.tenant.uuid(), version));
        assert_eq!(Some(row.state), world.state::<Settings>(stream));
    }
    for (stream, _) in world.streams(AggregateKind::Tenant) {
        let row = tenants::get(store, stream.tenant, None)
            .await
            .expect("read")
            .value
            .expect("a row");
        assert_eq!(Some(row.state), world.state::<Tenant>(stream));
    }
}

#[tokio::test]
async fn nothing_is_there_before_the_first_commit() {
    let database = Database::new().await;
    let world = World::new("empty", 1);
    let one = async || {
        tenants::get(&database.store, TENANTS[0], None)
            .await
            .expect("read")
    };
    assert_eq!(
        (one().await.position, one().await.value),
        (Position(0), None)
    );
    database.projector(&world).await;
    assert_eq!(
        (one().await.position, one().await.value),
        (Position(0), None)
    );
    let stats = stats::get(&database.store, TENANTS[0], world.now())
        .await
        .expect("read");
    let mut nothing = schemas::api::Stats::default();
    nothing.recent.since = stats.value.recent.since;
    assert_eq!(stats.value, nothing);
}

#[tokio::test]
async fn the_figures_count_what_lives() {
    let world = World::random(5, 900).await;
    let database = Database::new().await;
    database.project(&world, 64).await;
    for tenant in TENANTS {
        let stats = stats::get(&database.store, tenant, world.now())
            .await
            .expect("read")
            .value;
        assert_eq!(stats.position, world.head().await.0);
        let mut by_status = BTreeMap::<String, u64>::new();
        for task in mine(&world, AggregateKind::Task, tenant) {
            let task = world.state::<Task>(task).expect("a task");
            *by_status.entry(task.status.name().to_owned()).or_default() += 1;
        }
        assert_eq!(stats.tasks, by_status);
        let living = mine(&world, AggregateKind::Resource, tenant)
            .filter(|stream| world.state::<Resource>(*stream).is_some_and(|r| !r.deleted))
            .count();
        assert_eq!(
            stats.resources.iter().map(|t| t.count).sum::<u64>(),
            living as u64
        );
        assert!(stats.resources.is_sorted_by(|a, b| a.count >= b.count));
        assert_eq!(
            stats.users,
            mine(&world, AggregateKind::User, tenant).count() as u64
        );
    }
}

#[tokio::test]
async fn the_events_of_an_aggregate_come_page_by_page() {
    let world = World::random(5, 900).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    let (stream, version) = world
        .streams(AggregateKind::Task)
        .into_iter()
        .max_by_key(|(_, version)| *version)
        .expect("a task");
    let mut events = Vec::new();
    let mut after = None;
    loop {
        let kind = AggregateKind::Task;
        let page =
            event_log::of_aggregate(&database.store, stream.tenant, kind, stream.id, after, 2);
        let page = page.await.expect("a page");
        assert_eq!(page.position, world.head().await);
        events.extend(page.value.items);
        after = page.value.next;
        if after.is_none() {
            break;
        }
    }
    assert!(events.is_sorted_by_key(|event| event.streamrevision));
    assert_eq!(
        events.last().map(|event| event.streamrevision),
        Some(version.0)
    );
    assert!(["task.created.v1", "task.slot_skipped.v1"].contains(&events[0].name.as_str()));
    assert_eq!(events[0].subject, format!("task/{}", stream.id));
    assert_eq!(events[0].source, format!("/tenants/{}", stream.tenant));
    assert_eq!(events[0].id, format!("{}.0", events[0].sequence));
    let other = TENANTS
        .into_iter()
        .find(|tenant| *tenant != stream.tenant)
        .expect("another");
    let theirs = world.streams(AggregateKind::Task);
    if !theirs
        .iter()
        .any(|(s, _)| s.tenant == other && s.id == stream.id)
    {
        let kind = AggregateKind::Task;
        let none = event_log::of_aggregate(&database.store, other, kind, stream.id, None, 9);
        assert!(none.await.expect("a page").value.items.is_empty());
    }
}

#[tokio::test]
async fn the_schedule_holds_what_fires_and_what_is_open() {
    let world = World::random(5, 900).await;
    let database = Database::new().await;
    database.project(&world, 500).await;
    let loaded = schedule::load(&database.scheduler).await.expect("loaded");
    assert_eq!(loaded.position, world.head().await);
    let tasks: Vec<_> = world
        .streams(AggregateKind::Task)
        .into_iter()
        .map(|(stream, _)| (stream, world.state::<Task>(stream).expect("a task")))
        .collect();
    let open = tasks
        .iter()
        .filter(|(_, task)| !task.status.is_final())
        .count();
    assert_eq!(loaded.value.tasks.len(), open);
    assert!(
        loaded
            .value
            .tasks
            .iter()
            .all(|open| !open.task.status.is_final())
            && open > 0
    );

    let jobs = world.streams(AggregateKind::Job);
    let active = jobs
        .iter()
        .filter_map(|(stream, _)| world.state::<Job>(*stream));
    let active = active.filter(|job| job.status == JobStatus::Active).count();
    assert!(loaded.value.jobs.len() == active && active > 0);
    for due in &loaded.value.jobs {
        let slots = tasks
            .iter()
            .filter(|(stream, _)| stream.tenant == due.tenant);
        let slots = slots
            .filter_map(|(_, task)| task.origin)
            .filter(|o| o.job_id == due.id);
        assert_eq!(due.last_slot, slots.filter_map(|origin| origin.slot).max());
    }
}

fn mine(
    world: &World,
    kind: AggregateKind,
    tenant: schemas::domain::TenantId,
) -> impl Iterator<Item = StreamId> {
    let streams = world.streams(kind).into_iter().map(|(stream, _)| stream);
    streams.filter(move |stream| stream.tenant == tenant)
}

/// A task that succeeds, whatever else came about.
async fn succeed(world: &mut World, tenant: TenantId) {
    let (attempt, worker) = (1, "w1".to_owned());
    let output = serde_json::Value::Null;
    let spec = TaskSpec::new("echo", output.clone());
    for command in [
        TaskCommand::Create(TaskCreated::new(spec)),
        TaskCommand::Start {
            attempt,
            worker: worker.clone(),
        },
        TaskCommand::Succeed {
            attempt,
            output,
            worker,
        },
    ] {
        world.pass(1_000);
        let id = Uuid::from_u128(77);
        assert!(world.ask::<Task>(tenant, id, &command).await.is_some());
    }
}

/// What happened lately, worked out from the states of the domain.
#[tokio::test]
async fn the_figures_tell_how_tasks_went_lately() {
    let mut world = World::random(8, 600).await;
    // What is older than the first hour does not count.
    world.pass(30 * 3_600_000);
    let before = world.now();
    while world.head().await.0 < 1_200 {
        world.step().await;
        world.pass(20_000);
    }
    for tenant in TENANTS {
        succeed(&mut world, tenant).await;
    }
    let database = Database::new().await;
    database.project(&world, 500).await;
    for tenant in TENANTS {
        let answer = stats::get(&database.store, tenant, world.now()).await;
        let stats = answer.expect("read").value;
        let recent = stats.recent;
        assert!(recent.since > Timestamp::from_unix_ms(before.unix_ms() - 24 * 3_600_000));
        let tasks: Vec<_> = mine(&world, AggregateKind::Task, tenant)
            .map(|stream| world.state::<Task>(stream).expect("a task"))
            .collect();
        let ended = |status| {
            let lately = |task: &&Task| task.finished_at.is_some_and(|at| at >= recent.since);
            let of = |task: &&Task| task.status == status;
            tasks.iter().filter(lately).filter(of).count() as u64
        };
        let expected = TaskFlow {
            created: tasks
                .iter()
                .filter(|task| task.created_at >= recent.since)
                .filter(|task| task.status != TaskStatus::Skipped)
                .count() as u64,
            succeeded: ended(TaskStatus::Succeeded),
            failed: ended(TaskStatus::Failed),
            dead: ended(TaskStatus::Dead),
            cancelled: ended(TaskStatus::Cancelled),
            skipped: ended(TaskStatus::Skipped),
        };
        assert_eq!(recent.total, expected);
        assert!(
            expected.succeeded > 0 && expected.cancelled > 0,
            "{expected:?}"
        );
        assert!(recent.hours.is_sorted_by(|a, b| a.at < b.at));
        let mut took: Vec<_> = tasks
            .iter()
            .filter(|task| task.finished_at.is_some_and(|at| at >= recent.since))
            .filter_map(|task| task.attempt.as_ref())
            .filter_map(|attempt| Some(attempt.ended_at?.since_ms(attempt.started_at) as u64))
            .collect();
        took.sort_unstable();
        let duration = recent.duration_ms.expect("some ended");
        assert_eq!(duration.sampled, took.len() as u64);
        assert_eq!(duration.p50, took[(took.len() - 1) / 2]);
        assert_eq!(stats.reached_at.map(|at| at <= world.now()), Some(true));
    }
}

/// However much happens in a day, only so much of it is counted, and the answer says since when.
#[tokio::test]
async fn the_figures_of_late_are_bounded() {
    let world = World::random(5, 20).await;
    let database = Database::new().await;
    database.project(&world, 64).await;
    let tenant = TenantId::new(uuid::Uuid::from_u128(0xC));
    // One each second, created a second before it ends.
    let many = format!(
        "insert into tasks (tenant_id, id, version, position, state)
         select '{tenant}', gen_random_uuid(), 1, 1, jsonb_build_object('status', 'succeeded',
             'created_at', to_char(at - interval '1 s', form), 'updated_at', to_char(at, form),
             'finished_at', to_char(at, form))
         from (select 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"' as form,
             timestamp '2027-01-15 08:00:00' + n * interval '1 s' as at
             from generate_series(1, 50100) n) as made"
    );
    database.spoil(&many).await;
    let now = Timestamp::from_unix_ms(1_800_000_000_000 + 50_100_000);
    let answer = stats::get(&database.store, tenant, now).await;
    let recent = answer.expect("read").value.recent;
    assert_eq!(now.since_ms(recent.since), 50_000_000);
    assert_eq!(recent.total.succeeded, 50_001);
    assert_eq!(recent.total.created, 50_000);
}
