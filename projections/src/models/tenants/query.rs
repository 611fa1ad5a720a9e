//! Questions about tenants.
//!
//! Invariant: only the list of tenants goes beyond one tenant, and it shows their own rows alone.

use schemas::{
    Position,
    domain::{TenantId, tenant::Tenant},
};

use crate::{
    At, Listed, PageRequest, Row, SortKey, Store, StoreError,
    models::list::{self, Order},
};

/// What tenants can be sorted by.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SortBy {
    /// When they were created.
    CreatedAt,
    /// What they are called when signing in.
    #[default]
    Slug,
}

/// The tenant itself, of now or as of a position.
pub async fn get(
    store: &Store,
    tenant: TenantId,
    as_of: Option<Position>,
) -> Result<At<Option<Row<Tenant>>>, StoreError> {
    crate::models::get::get(store, tenant, tenant.uuid(), as_of).await
}

/// A page of all tenants, for platform administrators only. It does not tell whether commits of
/// them are parked: that is said of each by [`get`].
pub async fn list(
    store: &Store,
    request: &PageRequest<SortBy>,
) -> Result<At<Listed<Row<Tenant>>>, StoreError> {
    list::page_of_tenants(store, request).await
}

impl SortKey for SortBy {
    const ALL: &'static [Self] = &[Self::CreatedAt, Self::Slug];

    fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::Slug => "slug",
        }
    }
}

impl Order<Tenant> for SortBy {
    fn of(self, tenant: &Tenant) -> String {
        match self {
            Self::CreatedAt => tenant.created_at.to_string(),
            Self::Slug => tenant.slug.as_str().to_owned(),
        }
    }
}
