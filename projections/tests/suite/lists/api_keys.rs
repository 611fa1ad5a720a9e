//! Lists of API keys.
//!
//! Invariant: whoever is asked for has theirs listed and nobody else's.

use projections::{PageRequest, Sort, api_keys};
use schemas::domain::{TenantId, UserId};
use uuid::Uuid;

use super::{filled, orders};
use crate::world::TENANTS;

#[tokio::test]
async fn api_keys_are_listed_by_owner_and_to_their_tenant_only() {
    let (_, database) = filled(900).await;
    let (store, tenant) = (&database.store, TENANTS[1]);
    let everybody = api_keys::Filter::default();
    let all = pages!(Sort::default(), 2, |page| api_keys::list(
        store, tenant, &everybody, page
    ));
    assert!(all.iter().all(|row| row.tenant == tenant) && all.len() > 2);
    assert!(all.iter().any(|row| row.state.revoked_at.is_some()));
    for sort in orders::<api_keys::SortBy>() {
        let listed = pages!(sort, 2, |page| api_keys::list(
            store, tenant, &everybody, page
        ));
        assert_eq!(listed.len(), all.len());
    }
    let owner = all[0].state.owner;
    let wanted = all.iter().filter(|row| row.state.owner == owner).count();
    let theirs = api_keys::Filter { owner: Some(owner) };
    let theirs = pages!(Sort::default(), 1, |page| api_keys::list(
        store, tenant, &theirs, page
    ));
    assert!(theirs.iter().all(|row| row.state.owner == owner));
    assert_eq!(theirs.len(), wanted);
    let nobody = api_keys::Filter {
        owner: Some(UserId::new(Uuid::nil())),
    };
    let stranger = TenantId::new(Uuid::nil());
    for (tenant, filter) in [(tenant, &nobody), (stranger, &everybody)] {
        let none = pages!(Sort::default(), 1, |page| api_keys::list(
            store, tenant, filter, page
        ));
        assert!(none.is_empty());
    }
}
