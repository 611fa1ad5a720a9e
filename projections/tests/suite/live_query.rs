//! Live queries against the lists themselves.
//!
//! Invariant: wherever a follower begins and however it cuts the log, its table is what the list
//! shows at the end, and what the world says in between.

use std::collections::BTreeMap;

use projections::{
    PageRequest, Sort, Store, jobs,
    live_query::{self, LiveQuery, Rows},
    resource_types, resources, tasks, users,
};
use schemas::{
    Position,
    domain::{
        TenantId,
        job::JobStatus,
        task::{Priority, TaskStatus},
        user::Role,
    },
};
use uuid::Uuid;

use crate::{
    database::Database,
    world::{TENANTS, World},
};

type Table = BTreeMap<Uuid, String>;

fn queries() -> Vec<LiveQuery> {
    let tasks = |statuses: &[TaskStatus]| {
        LiveQuery::Tasks(tasks::Filter {
            statuses: statuses.to_vec(),
            ..tasks::Filter::default()
        })
    };
    vec![
        LiveQuery::Jobs(jobs::Filter::default()),
        LiveQuery::Jobs(jobs::Filter {
            q: Some("a".into()),
            statuses: vec![JobStatus::Active],
        }),
        LiveQuery::ResourceTypes,
        LiveQuery::Resources(resources::Filter::default()),
        LiveQuery::Resources(resources::Filter {
            q: Some("1".into()),
            ..resources::Filter::default()
        }),
        LiveQuery::Tasks(tasks::Filter::default()),
        tasks(&[TaskStatus::Queued, TaskStatus::Running]),
        tasks(&[TaskStatus::Succeeded, TaskStatus::Skipped]),
        LiveQuery::Tasks(tasks::Filter {
            priorities: vec![Priority::ALL[0]],
            ..tasks::Filter::default()
        }),
        LiveQuery::Users(users::Filter::default()),
        LiveQuery::Users(users::Filter {
            roles: vec![Role::Viewer],
        }),
    ]
}

/// Rows as words that differ when anything of them does.
fn table(rows: &Rows) -> Table {
    macro_rules! words {
        ($rows:expr) => {
            $rows
                .iter()
                .map(|row| (row.id, format!("{row:?}")))
                .collect()
        };
    }
    match rows {
        Rows::Jobs(rows) => words!(rows),
        Rows::ResourceTypes(rows) => words!(rows),
        Rows::Resources(rows) => words!(rows),
        Rows::Tasks(rows) => words!(rows),
        Rows::Users(rows) => words!(rows),
    }
}

/// What the list itself shows.
async fn listed(store: &Store, tenant: TenantId, query: &LiveQuery) -> Table {
    macro_rules! all {
        ($rows:ident, $list:path $(, $filter:expr)?) => {{
            let page = PageRequest::first(Sort::default(), 1_000);
            let found = $list(store, tenant $(, $filter)?, &page).await.expect("listed");
            assert!(found.value.next.is_none(), "choose a smaller world");
            table(&Rows::$rows(found.value.items))
        }};
    }
    match query {
        LiveQuery::Jobs(filter) => all!(Jobs, jobs::list, filter),
        LiveQuery::ResourceTypes => all!(ResourceTypes, resource_types::list),
        LiveQuery::Resources(filter) => all!(Resources, resources::list, filter),
        LiveQuery::Tasks(filter) => all!(Tasks, tasks::list, filter),
        LiveQuery::Users(filter) => all!(Users, users::list, filter),
    }
}

/// The rows as of a position, a few at a time.
async fn snapshot(store: &Store, tenant: TenantId, query: &LiveQuery, at: Position) -> Table {
    let mut found = Table::new();
    loop {
        let after = found.keys().next_back().copied().unwrap_or_default();
        let rows = live_query::rows_as_of(store, tenant, query, at, after, 7).await;
        let rows = rows.expect("read").1.value;
        found.extend(table(&rows));
        if rows.len() < 7 {
            return found;
        }
    }
}

#[tokio::test]
async fn every_way_through_the_log_ends_at_what_the_list_shows() {
    let world = World::random(33, 700).await;
    let database = Database::new().await;
    let store = &database.store;
    let mut projector = database.projector(&world).await;
    let entries = world.entries(projector.position()).await;
    // What each list showed where the batches ended.
    let mut shown: Vec<(Position, Vec<Table>)> = Vec::new();
    for batch in entries.chunks(70) {
        projector.apply(batch.to_vec()).await.expect("applied");
        let mut tables = Vec::new();
        for tenant in TENANTS {
            for query in queries() {
                tables.push(listed(store, tenant, &query).await);
            }
        }
        shown.push((projector.position(), tables));
    }
    let mut moved = 0;
    for (at, tenant) in TENANTS.into_iter().enumerate() {
        for (which, query) in queries().into_iter().enumerate() {
            let place = at * queries().len() + which;
            let (mut from, _) = shown[0];
            let mut followed = snapshot(store, tenant, &query, from).await;
            assert_eq!(followed, shown[0].1[place], "{query:?} as of {from}");
            for (to, tables) in &shown[1..] {
                while from < *to {
                    let touched = live_query::touched(store, tenant, &query, (from, *to), 5);
                    let touched = touched.await.expect("read");
                    let span = (from, touched.until);
                    let changes = live_query::changes(store, tenant, &query, span, &touched.ids);
                    let changes = changes.await.expect("read").1.value;
                    for id in &changes.left {
                        assert!(
                            followed.remove(id).is_some(),
                            "{query:?}: {id} was not there"
                        );
                        moved += 1;
                    }
                    for (id, row) in table(&changes.rows) {
                        let before = followed.insert(id, row.clone());
                        assert_ne!(before, Some(row), "{query:?}: {id} comes again");
                    }
                    from = touched.until;
                }
                assert_eq!(&followed, &tables[place], "{query:?} at {to}");
            }
            for (at, tables) in &shown {
                let again = snapshot(store, tenant, &query, *at).await;
                assert_eq!(&again, &tables[place], "{query:?} as of {at}");
            }
        }
    }
    assert!(moved > 50, "choose another seed: {moved} rows left");
}
