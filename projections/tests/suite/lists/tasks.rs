//! Lists of tasks.
//!
//! Invariant: each filter lets through exactly the tasks that it names.

use std::collections::BTreeSet;

use projections::{PageRequest, Row, Sort, tasks};
use schemas::domain::{
    AggregateKind, JobId,
    task::{Priority, Task, TaskStatus},
};
use uuid::Uuid;

use super::{filled, orders};
use crate::world::TENANTS;

fn sorted_by(sort: Sort<tasks::SortBy>, task: &Row<Task>) -> (i64, Uuid) {
    let at = match sort.key {
        tasks::SortBy::CreatedAt => task.state.created_at.unix_ms(),
        tasks::SortBy::UpdatedAt => task.state.updated_at.unix_ms(),
        tasks::SortBy::DueAt => task
            .state
            .due_at
            .map_or(i64::MAX, schemas::domain::Timestamp::unix_ms),
    };
    (at, task.id)
}

#[tokio::test]
async fn every_order_visits_every_task_once() {
    let (world, database) = filled(500).await;
    let store = &database.store;
    let filter = tasks::Filter {
        skipped: true,
        ..Default::default()
    };
    for tenant in TENANTS {
        let all = world.streams(AggregateKind::Task);
        let all: BTreeSet<Uuid> = all
            .iter()
            .filter(|(s, _)| s.tenant == tenant)
            .map(|(s, _)| s.id)
            .collect();
        assert!(all.len() > 5, "too small a world");
        for sort in orders::<tasks::SortBy>() {
            for limit in [1, 4, 1_000] {
                let rows = pages!(sort, limit, |page| tasks::list(
                    store, tenant, &filter, page
                ));
                let seen: BTreeSet<Uuid> = rows.iter().map(|row| row.id).collect();
                assert_eq!((rows.len(), &seen), (all.len(), &all), "{}", sort.word());
                let mut keys: Vec<_> = rows.iter().map(|row| sorted_by(sort, row)).collect();
                if sort.descending {
                    keys.reverse();
                }
                assert!(keys.is_sorted(), "{} by {limit}: {keys:?}", sort.word());
            }
        }
    }
}

#[tokio::test]
async fn what_existed_throughout_is_seen_once_while_more_is_added() {
    let (mut world, database) = filled(200).await;
    let store = &database.store;
    let filter = tasks::Filter {
        skipped: true,
        ..Default::default()
    };
    let before: BTreeSet<Uuid> = world
        .streams(AggregateKind::Task)
        .iter()
        .filter(|(stream, _)| stream.tenant == TENANTS[0])
        .map(|(stream, _)| stream.id)
        .collect();
    let sort = Sort {
        key: tasks::SortBy::CreatedAt,
        descending: true,
    };
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let request = PageRequest::try_new(sort, 2, after).expect("its own key");
        let page = tasks::list(store, TENANTS[0], &filter, &request)
            .await
            .expect("a page");
        seen.extend(page.value.items.iter().map(|row| row.id));
        for _ in 0..10 {
            world.step().await;
        }
        assert_eq!(database.project(&world, 500).await, world.head().await);
        after = page.value.next;
        if after.is_none() {
            break;
        }
    }
    for id in &before {
        assert_eq!(seen.iter().filter(|other| *other == id).count(), 1, "{id}");
    }
}

#[tokio::test]
async fn task_filters_let_through_what_they_name() {
    let (_, database) = filled(900).await;
    let (store, tenant) = (&database.store, TENANTS[0]);
    let sort = Sort::default();
    let list = async |filter: tasks::Filter| {
        pages!(sort, 3, |page| tasks::list(store, tenant, &filter, page))
    };
    let everything = list(tasks::Filter {
        skipped: true,
        ..Default::default()
    })
    .await;
    let count = |keep: &dyn Fn(&Task) -> bool| everything.iter().filter(|r| keep(&r.state)).count();
    let not_skipped = list(tasks::Filter::default()).await;
    assert_eq!(
        not_skipped.len(),
        count(&|task| task.status != TaskStatus::Skipped)
    );
    assert!(
        not_skipped.len() < everything.len(),
        "no slot was skipped; choose another seed"
    );

    let statuses = vec![TaskStatus::Succeeded, TaskStatus::Skipped];
    let wanted = count(&|task| statuses.contains(&task.status));
    let found = list(tasks::Filter {
        statuses: statuses.clone(),
        ..Default::default()
    })
    .await;
    assert!(found.len() == wanted && wanted > 0, "{wanted}");

    let priorities = vec![Priority::High];
    let wanted = count(&|t| t.spec.priority == Priority::High && t.status != TaskStatus::Skipped);
    let found = list(tasks::Filter {
        priorities,
        ..Default::default()
    })
    .await;
    assert!(found.len() == wanted && wanted > 0, "{wanted}");

    let kinds = vec!["echo".to_owned(), "nothing such".to_owned()];
    let wanted = count(&|task| task.spec.kind == "echo");
    let found = list(tasks::Filter {
        kinds,
        ..Default::default()
    })
    .await;
    assert!(found.len() == wanted && wanted > 0, "{wanted}");

    let job = everything
        .iter()
        .find_map(|row| row.state.origin)
        .expect("a job's task")
        .job_id;
    let wanted = count(&|task| task.origin.is_some_and(|origin| origin.job_id == job));
    let of_job = tasks::Filter {
        job_id: Some(job),
        skipped: true,
        ..Default::default()
    };
    assert_eq!(list(of_job).await.len(), wanted);
    let none = tasks::Filter {
        job_id: Some(JobId::new(Uuid::nil())),
        ..Default::default()
    };
    assert!(list(none).await.is_empty());
}
