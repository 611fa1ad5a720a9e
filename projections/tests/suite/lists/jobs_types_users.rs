//! Lists of jobs, resource types and users.
//!
//! Invariant: what has ended is not listed, nor is what belongs to others.

use projections::{PageRequest, Sort, jobs, resource_types, users};
use schemas::domain::{TenantId, job::JobStatus, user::Role};
use uuid::Uuid;

use super::{filled, orders};
use crate::world::TENANTS;

#[tokio::test]
async fn jobs_are_listed_while_they_live() {
    let (_, database) = filled(900).await;
    let (store, tenant) = (&database.store, TENANTS[1]);
    let all = jobs::Filter::default();
    for sort in orders::<jobs::SortBy>() {
        let jobs = pages!(sort, 2, |page| jobs::list(store, tenant, &all, page));
        assert!(
            jobs.iter()
                .all(|row| row.state.status != JobStatus::Deleted)
                && jobs.len() > 1
        );
        if sort.key == jobs::SortBy::Name && !sort.descending {
            assert!(jobs.is_sorted_by_key(|row| (row.state.name.clone(), row.id)));
        }
    }
    let jobs = pages!(Sort::default(), 9, |page| jobs::list(
        store, tenant, &all, page
    ));
    let wanted = jobs
        .iter()
        .filter(|row| row.state.status == JobStatus::Paused)
        .count();
    let paused = jobs::Filter {
        statuses: vec![JobStatus::Paused],
        q: None,
    };
    let paused = pages!(Sort::default(), 2, |page| jobs::list(
        store, tenant, &paused, page
    ));
    assert!(
        paused
            .iter()
            .all(|row| row.state.status == JobStatus::Paused)
    );
    assert_eq!(paused.len(), wanted);
}

#[tokio::test]
async fn types_are_found_by_name() {
    let (_, database) = filled(400).await;
    let (store, tenant) = (&database.store, TENANTS[1]);
    let types = pages!(Sort::default(), 2, |page| resource_types::list(
        store, tenant, page
    ));
    assert!(types.is_sorted_by_key(|row| row.state.name.clone()) && !types.is_empty());
    let one = resource_types::get(store, tenant, types[0].state.name.as_str(), None).await;
    assert_eq!(one.expect("read").value.as_ref(), Some(&types[0]));
}

#[tokio::test]
async fn users_are_listed_by_role_and_to_their_tenant_only() {
    let (_, database) = filled(900).await;
    let (store, tenant) = (&database.store, TENANTS[1]);
    let all = users::Filter::default();
    let everyone = pages!(Sort::default(), 2, |page| users::list(
        store, tenant, &all, page
    ));
    assert!(everyone.iter().all(|row| row.tenant == tenant) && !everyone.is_empty());
    let wanted = everyone
        .iter()
        .filter(|row| row.state.role == Role::Admin)
        .count();
    let admins = users::Filter {
        roles: vec![Role::Admin],
    };
    let admins = pages!(Sort::default(), 1, |page| users::list(
        store, tenant, &admins, page
    ));
    assert_eq!(admins.len(), wanted);
    let nobody = TenantId::new(Uuid::nil());
    assert!(
        pages!(Sort::default(), 1, |page| users::list(
            store, nobody, &all, page
        ))
        .is_empty()
    );
}

#[tokio::test]
async fn second_factors_and_invitations_are_columns_now_and_before() {
    let (_, database) = filled(2_000).await;
    let (store, tenant) = (&database.store, TENANTS[1]);
    let all = users::Filter::default();
    let everyone = pages!(Sort::default(), 9, |page| users::list(
        store, tenant, &all, page
    ));
    let mut connection = database.sql().await;
    let ask = "select mfa_enabled, invited from users where id = $1 and tenant_id = $2";
    for row in &everyone {
        let columns: (bool, bool) = sqlx::query_as(ask)
            .bind(row.id)
            .bind(tenant.uuid())
            .fetch_one(&mut connection)
            .await
            .expect("a row");
        assert_eq!(columns, (row.state.mfa.is_some(), row.state.invited));
    }
    for column in ["mfa_enabled", "invited"] {
        let ask = format!("select {column} from users_history group by 1 order by 1");
        let seen: Vec<bool> = sqlx::query_scalar(sqlx::AssertSqlSafe(ask))
            .fetch_all(&mut connection)
            .await
            .expect("asked");
        assert_eq!(seen, [false, true], "{column}");
    }
}
