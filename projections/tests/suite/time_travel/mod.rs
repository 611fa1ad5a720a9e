//! What any past is answered with.
//!
//! Invariant: as of each position, objects and lists are what the log folds to up to it: nothing of
//! what came later, and nothing less.

mod folded;

use event_log::Entry;
use projections::{
    PageRequest, Sort, SortKey, api_keys, jobs, moments, resource_types, resources, settings,
    tasks, tenants, users, verify,
};
use schemas::{
    Position,
    domain::{
        ApiKeyId, JobId, Labels, ResourceId, TaskId, TenantId, Timestamp, UserId,
        api_key::ApiKey,
        job::{Job, JobStatus},
        resource::Resource,
        resource_type::ResourceType,
        settings::{Settings, SettingsCommand},
        task::{Priority, Task, TaskStatus},
        tenant::Tenant,
        user::{Role, User},
    },
};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::{
    database::Database,
    world::{TENANTS, World},
};
use folded::{Folded, spelled};

/// Every id that there ever is, as of `$position`.
macro_rules! objects {
    ($folded:expr, $ever:expr, $position:ident, |$tenant:ident, $id:ident| $ask:expr) => {
        for ($tenant, $id) in $ever {
            let found = $ask.await.expect("read");
            assert_eq!(found.position, $position);
            assert_eq!(found.stale_since, None);
            let row = found.value;
            let shown = row.map(|row| (row.version, row.position, spelled(&row.state)));
            assert_eq!(shown, $folded.one($tenant, $id), "{} {}", $id, $position);
        }
    };
}

/// The ids on all pages of a list as of `$position`.
macro_rules! pages {
    ($sort:expr, $limit:expr, $position:ident, |$request:ident| $ask:expr) => {{
        let first = PageRequest::first($sort, $limit).as_of($position);
        let (mut ids, mut $request) = (Vec::new(), first);
        loop {
            let page = $ask.await.expect("a page");
            assert_eq!(page.position, $position);
            ids.extend(page.value.items.iter().map(|row| row.id));
            let Some(key) = page.value.next else {
                break ids;
            };
            assert_eq!(key.as_of(), Some($position));
            $request = PageRequest::try_new($sort, $limit, Some(key)).expect("its own key");
        }
    }};
}

fn order<K: SortKey>(turn: usize) -> Sort<K> {
    Sort {
        key: K::ALL[turn / 2 % K::ALL.len()],
        descending: turn.is_multiple_of(2),
    }
}

/// Every read model, folded.
struct Everything {
    api_keys: Folded<ApiKey>,
    jobs: Folded<Job>,
    resource_types: Folded<ResourceType>,
    resources: Folded<Resource>,
    settings: Folded<Settings>,
    tasks: Folded<Task>,
    tenants: Folded<Tenant>,
    users: Folded<User>,
}

impl Everything {
    fn new() -> Self {
        Self {
            api_keys: Folded::new(|_| true),
            jobs: Folded::new(|job| job.status != JobStatus::Deleted),
            resource_types: Folded::new(|_| true),
            resources: Folded::new(|resource| !resource.deleted),
            settings: Folded::new(|_| true),
            tasks: Folded::new(|_| true),
            tenants: Folded::new(|_| true),
            users: Folded::new(|_| true),
        }
    }

    fn apply(&mut self, entry: &Entry) {
        let Entry::Commit(commit) = entry else {
            panic!("unreadable")
        };
        self.api_keys.apply(commit);
        self.jobs.apply(commit);
        self.resource_types.apply(commit);
        self.resources.apply(commit);
        self.settings.apply(commit);
        self.tasks.apply(commit);
        self.tenants.apply(commit);
        self.users.apply(commit);
    }

    async fn agrees_on_objects(&self, ever: &Self, store: &projections::Store, at: Position) {
        let as_of = Some(at);
        objects!(
            self.api_keys,
            ever.api_keys.all.keys().copied(),
            at,
            |tenant, id| { api_keys::get(store, tenant, ApiKeyId::new(id), as_of) }
        );
        objects!(
            self.jobs,
            ever.jobs.all.keys().copied(),
            at,
            |tenant, id| { jobs::get(store, tenant, JobId::new(id), as_of) }
        );
        objects!(
            self.resources,
            ever.resources.all.keys().copied(),
            at,
            |tenant, id| { resources::get(store, tenant, ResourceId::new(id), as_of) }
        );
        objects!(
            self.settings,
            ever.settings.all.keys().copied(),
            at,
            |tenant, id| { settings::get(store, tenant, as_of) }
        );
        objects!(
            self.tasks,
            ever.tasks.all.keys().copied(),
            at,
            |tenant, id| { tasks::get(store, tenant, TaskId::new(id), as_of) }
        );
        objects!(
            self.tenants,
            ever.tenants.all.keys().copied(),
            at,
            |tenant, id| { tenants::get(store, tenant, as_of) }
        );
        objects!(
            self.users,
            ever.users.all.keys().copied(),
            at,
            |tenant, id| { users::get(store, tenant, UserId::new(id), as_of) }
        );
        for ((tenant, id), (_, _, last)) in &ever.resource_types.all {
            let name = last.as_ref().expect("a type").name.to_string();
            let found = resource_types::get(store, *tenant, &name, as_of).await;
            let row = found.expect("read").value;
            let shown = row.map(|row| (row.version, row.position, spelled(&row.state)));
            assert_eq!(shown, self.resource_types.one(*tenant, *id));
        }
    }

    /// One order and filter of each list.
    async fn agrees_on_lists(&self, store: &projections::Store, at: Position) {
        let turn = at.0 as usize;
        let (tenant, limit) = asked_at(at);
        self.agrees_on_resources(store, at, tenant, limit).await;

        let sort = order::<jobs::SortBy>(turn);
        let filter = jobs::Filter {
            statuses: [JobStatus::Paused].into_iter().take(turn % 2).collect(),
            q: turn.is_multiple_of(3).then(|| "a".to_owned()),
        };
        let found = pages!(sort, limit, at, |request| jobs::list(
            store, tenant, &filter, &request
        ));
        let keep = |job: &Job| {
            (filter.statuses.is_empty() || filter.statuses.contains(&job.status))
                && (filter.q.is_none() || job.name.to_string().to_lowercase().contains('a'))
        };
        let key = |job: &Job| match sort.key {
            jobs::SortBy::CreatedAt => job.created_at.to_string(),
            jobs::SortBy::Name => job.name.to_string(),
            jobs::SortBy::UpdatedAt => job.updated_at.to_string(),
        };
        let expected = self.jobs.list(tenant, sort.descending, keep, key);
        assert_eq!(found, expected, "jobs {} {at}", sort.word());

        let sort = order::<users::SortBy>(turn);
        let roles = vec![Role::Operator, Role::Viewer];
        let filter = users::Filter { roles };
        let found = pages!(sort, limit, at, |request| users::list(
            store, tenant, &filter, &request
        ));
        let keep = |user: &User| user.role != Role::Admin;
        let expected = self
            .users
            .list(tenant, sort.descending, keep, |user| user.created_at);
        assert_eq!(found, expected, "users {} {at}", sort.word());

        let sort = order::<api_keys::SortBy>(turn);
        let filter = api_keys::Filter::default();
        let found = pages!(sort, limit, at, |request| api_keys::list(
            store, tenant, &filter, &request
        ));
        let key = |key: &ApiKey| match sort.key {
            api_keys::SortBy::CreatedAt => key.created_at,
            api_keys::SortBy::ExpiresAt => key.expires_at,
        };
        let expected = self.api_keys.list(tenant, sort.descending, |_| true, key);
        assert_eq!(found, expected, "API keys {} {at}", sort.word());

        let sort = order::<resource_types::SortBy>(turn);
        let found = pages!(sort, limit, at, |request| resource_types::list(
            store, tenant, &request
        ));
        let name = |kind: &ResourceType| kind.name.to_string();
        let types = &self.resource_types;
        let expected = types.list(tenant, sort.descending, |_| true, name);
        assert_eq!(found, expected, "types {} {at}", sort.word());

        let sort = order::<tenants::SortBy>(turn);
        let found = pages!(sort, 1, at, |request| tenants::list(store, &request));
        let mut all: Vec<_> = (TENANTS.into_iter())
            .filter(|tenant| self.tenants.one(*tenant, tenant.uuid()).is_some())
            .map(TenantId::uuid)
            .collect();
        let mut shown = found;
        all.sort();
        shown.sort();
        assert_eq!(shown, all, "tenants {at}");
    }

    async fn agrees_on_resources(
        &self,
        store: &projections::Store,
        at: Position,
        tenant: TenantId,
        limit: u32,
    ) {
        let turn = at.0 as usize;
        let sort = order::<resources::SortBy>(turn);
        let labels: Labels = [("env".to_owned(), "prod".to_owned())].into();
        let filter = resources::Filter {
            labels: if turn.is_multiple_of(5) {
                labels
            } else {
                Labels::new()
            },
            q: turn.is_multiple_of(4).then(|| "BETA".to_owned()),
            types: ["disk".to_owned()].into_iter().take(turn % 2).collect(),
        };
        let found = pages!(sort, limit, at, |request| resources::list(
            store, tenant, &filter, &request
        ));
        let keep = |resource: &Resource| {
            (filter.labels.iter()).all(|(key, value)| resource.labels.get(key) == Some(value))
                && (filter.q.is_none() || resource.name.to_string().to_lowercase().contains("beta"))
                && (filter.types.is_empty() || resource.type_name.to_string() == "disk")
        };
        let key = |resource: &Resource| match sort.key {
            resources::SortBy::CreatedAt => resource.created_at.to_string(),
            resources::SortBy::Name => resource.name.to_string(),
            resources::SortBy::UpdatedAt => resource.updated_at.to_string(),
        };
        let expected = self.resources.list(tenant, sort.descending, keep, key);
        assert_eq!(found, expected, "resources {} {at}", sort.word());
    }

    /// Says which of the filters by kind, priority and job left some out and not all.
    async fn agrees_on_tasks(&self, store: &projections::Store, at: Position) -> [bool; 3] {
        let (turn, (tenant, limit)) = (at.0 as usize, asked_at(at));
        let sort = order::<tasks::SortBy>(turn);
        let filter = task_filter(turn);
        let found = pages!(sort, limit, at, |request| tasks::list(
            store, tenant, &filter, &request
        ));
        let is_shown = |task: &Task| match filter.statuses.as_slice() {
            [] => filter.skipped || task.status != TaskStatus::Skipped,
            wanted => wanted.contains(&task.status),
        };
        let is_of = |task: &Task| {
            let job = task.origin.as_ref().map(|slot| slot.job_id);
            (filter.kinds.is_empty() || filter.kinds.contains(&task.spec.kind))
                && (filter.priorities.is_empty() || filter.priorities.contains(&task.spec.priority))
                && (filter.job_id.is_none() || filter.job_id == job)
        };
        let key = |task: &Task| match sort.key {
            tasks::SortBy::CreatedAt => task.created_at,
            tasks::SortBy::DueAt => task.due_at.unwrap_or(Timestamp::MAX),
            tasks::SortBy::UpdatedAt => task.updated_at,
        };
        let keep = |task: &Task| is_shown(task) && is_of(task);
        let expected = self.tasks.list(tenant, sort.descending, keep, key);
        assert_eq!(found, expected, "tasks {} {at}: {filter:?}", sort.word());
        let all = self.tasks.list(tenant, sort.descending, is_shown, key);
        let narrows = !found.is_empty() && found.len() < all.len();
        [
            narrows && !filter.kinds.is_empty(),
            narrows && !filter.priorities.is_empty(),
            narrows && filter.job_id.is_some(),
        ]
    }
}

/// Whose list is asked for as of a position, and in pages of which size.
fn asked_at(at: Position) -> (TenantId, u32) {
    (TENANTS[at.0 as usize / 7 % 2], 1 + at.0 as u32 % 4)
}

/// Each filter of tasks by itself and with others, in turns of lengths that share no divisor.
fn task_filter(turn: usize) -> tasks::Filter {
    let statuses = [TaskStatus::Queued, TaskStatus::Running];
    let job = Uuid::from_u128((4 << 64) | (turn as u128 / 5 % 6));
    tasks::Filter {
        batch: None,
        job_id: (turn % 5 > 2).then(|| JobId::new(job)),
        kinds: ["echo".to_owned()].into_iter().take(turn / 2 % 2).collect(),
        priorities: (Priority::ALL.into_iter().cycle())
            .skip(turn % 4)
            .take([0, 0, 1, 2, 0, 3, 0][turn % 7])
            .collect(),
        skipped: turn.is_multiple_of(11),
        statuses: statuses.into_iter().take(turn % 3).collect(),
    }
}

/// A log of about `commits` commits whose clocks disagree by minutes, and agree now and then.
async fn disagreeing(seed: u64, commits: u64) -> World {
    let mut world = World::new("disagreeing", seed);
    let mut turn = 0;
    while world.head().await.0 < commits {
        let ahead = [0, 90_000, -45_000, 0, 0][turn as usize % 5];
        world.set_clock(1_800_000_000_000 + turn / 2 * 1_000 + ahead);
        if turn % 10 == 7 {
            // Two commits of one instant.
            for days in [1 + turn % 20, 2 + turn % 20] {
                let values = json!({ "session_days": days });
                let values = values.as_object().cloned().unwrap_or_default();
                let (tenant, command) = (TENANTS[0], SettingsCommand::Change { values });
                let id = tenant.uuid();
                world.ask::<Settings>(tenant, id, &command).await;
            }
        }
        world.step().await;
        turn += 1;
    }
    world
}

#[tokio::test]
async fn as_of_every_position_is_the_fold_of_the_log_up_to_it() {
    let mut narrowed = [0; 3];
    for (seed, batch) in [(11, 500), (12, 7)] {
        let world = disagreeing(seed, 200).await;
        let database = Database::new().await;
        database.project(&world, batch).await;
        let entries = world.entries(Position(0)).await;
        let mut ever = Everything::new();
        for entry in &entries {
            ever.apply(entry);
        }
        let mut then = Everything::new();
        then.agrees_on_objects(&ever, &database.store, Position(0))
            .await;
        let (mut ended, mut back) = (0, 0);
        for entry in &entries {
            let before = then.resources.ended();
            then.apply(entry);
            let now = then.resources.ended();
            (ended, back) = (
                ended + usize::from(now > before),
                back + usize::from(now < before),
            );
            let at = entry.position();
            then.agrees_on_objects(&ever, &database.store, at).await;
            then.agrees_on_lists(&database.store, at).await;
            let narrows = then.agrees_on_tasks(&database.store, at).await;
            narrowed = std::array::from_fn(|one| narrowed[one] + usize::from(narrows[one]));
        }
        assert!(
            ended > 0 && back > 0,
            "seed {seed}: {ended} ended, {back} came back"
        );
    }
    assert!(narrowed.iter().all(|times| *times > 1), "{narrowed:?}");
}

#[tokio::test]
async fn a_time_means_the_last_commit_at_or_before_it() {
    let world = disagreeing(13, 120).await;
    let entries = world.entries(Position(0)).await;
    let commits: Vec<_> = entries
        .iter()
        .map(|entry| match entry {
            Entry::Commit(commit) => (commit.meta.time, commit.position),
            Entry::Unreadable(_) => panic!("unreadable"),
        })
        .collect();
    assert!(!commits.is_sorted(), "all clocks agree");
    for batch in [1, 7, 500] {
        let database = Database::new().await;
        database.project(&world, batch).await;
        let mut asked: Vec<_> = commits.iter().map(|(time, _)| *time).collect();
        asked.extend([Timestamp::MIN, Timestamp::MAX]);
        let near: Vec<_> = asked
            .iter()
            .flat_map(|time| [-1, 0, 1].map(|ms| time.plus_ms(ms)))
            .collect();
        for time in near {
            let moment = moments::at(&database.store, time).await.expect("read");
            let last = commits.iter().filter(|(at, _)| *at <= time);
            let last = last.map(|(_, position)| *position).max();
            assert_eq!(moment.position, last.unwrap_or_default(), "{time}");
            let is_past = commits.iter().any(|(at, _)| *at >= time);
            assert!(is_past || !moment.is_past, "{time}");
        }
        let held = verify(&world.shared(), &database.overview)
            .await
            .expect("verified");
        assert!(held.holds(), "{:?}", held.differences);
        for spoilt in [
            "delete from moments where position = (select min(position) from moments)",
            "update moments set latest = latest + interval '1 s' \
             where position = (select max(position) from moments)",
        ] {
            database.spoil(spoilt).await;
            let told = verify(&world.shared(), &database.overview)
                .await
                .expect("verified");
            assert!(
                told.differences
                    .iter()
                    .any(|found| found.model == "moments"),
                "{spoilt}"
            );
        }
    }
}

/// What an installation has that ran before there was time travel.
#[tokio::test]
async fn the_times_of_an_old_log_are_known_after_the_migration() {
    let world = disagreeing(14, 200).await;
    let database = Database::new().await;
    database.project(&world, 50).await;
    let before = database.digests("app").await;
    let migration = include_str!("../../../migrations/0011_time_travel.sql");
    let begin = migration
        .find("alter table event_log no force")
        .expect("it");
    let end = migration.find("-- Lists go through").expect("it");
    database.spoil("delete from moments").await;
    let mut owner = PgConnection::connect(&database.urls.owner)
        .await
        .expect("connected");
    let again = format!("set search_path = app; {}", &migration[begin..end]);
    sqlx::raw_sql(sqlx::AssertSqlSafe(again))
        .execute(&mut owner)
        .await
        .expect("migrated");
    assert_eq!(database.digests("app").await, before);
}
