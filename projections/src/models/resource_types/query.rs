//! Questions about resource types.
//!
//! Invariant: types are listed by name, of which each has its own.

use schemas::{
    Position,
    domain::{ResourceTypeId, TenantId, resource_type::ResourceType},
};

use crate::{
    At, Listed, PageRequest, Row, SortKey, Store, StoreError,
    models::list::{self, Order},
};

/// What resource types can be sorted by.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SortBy {
    /// Its name.
    #[default]
    Name,
}

/// The type called `name` of `tenant`.
pub async fn get(
    store: &Store,
    tenant: TenantId,
    name: &str,
    as_of: Option<Position>,
) -> Result<At<Option<Row<ResourceType>>>, StoreError> {
    let id = ResourceTypeId::of_name(tenant, name);
    crate::models::get::get(store, tenant, id.uuid(), as_of).await
}

/// A page of `tenant`'s resource types.
pub async fn list(
    store: &Store,
    tenant: TenantId,
    request: &PageRequest<SortBy>,
) -> Result<At<Listed<Row<ResourceType>>>, StoreError> {
    list::page(store, tenant, request, |_| {}).await
}

impl SortKey for SortBy {
    const ALL: &'static [Self] = &[Self::Name];

    fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
        }
    }
}

impl Order<ResourceType> for SortBy {
    fn of(self, kind: &ResourceType) -> String {
        kind.name.to_string()
    }
}
