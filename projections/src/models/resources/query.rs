//! Questions about resources.
//!
//! Invariant: an empty filter lets every living resource through.

use schemas::{
    Position,
    domain::{Labels, ResourceId, TenantId, resource::Resource},
};
use sqlx::{Postgres, QueryBuilder, types::Json};

use crate::{
    At, Listed, PageRequest, Row, SortKey, Store, StoreError,
    models::list::{self, Order},
};

/// Which resources to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Labels that it must bear, all of them.
    pub labels: Labels,
    /// Part of the name, in any case of letters.
    pub q: Option<String>,
    /// Any of these types; all when empty.
    pub types: Vec<String>,
}

/// What resources can be sorted by.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SortBy {
    /// When it was created.
    CreatedAt,
    /// What people call it.
    #[default]
    Name,
    /// When anything of it last changed.
    UpdatedAt,
}

/// The resource `id` of `tenant`, if it lives; as of a position, if it lived then.
pub async fn get(
    store: &Store,
    tenant: TenantId,
    id: ResourceId,
    as_of: Option<Position>,
) -> Result<At<Option<Row<Resource>>>, StoreError> {
    crate::models::get::get(store, tenant, id.uuid(), as_of).await
}

/// A page of `tenant`'s resources.
pub async fn list(
    store: &Store,
    tenant: TenantId,
    filter: &Filter,
    request: &PageRequest<SortBy>,
) -> Result<At<Listed<Row<Resource>>>, StoreError> {
    list::page(store, tenant, request, |query| filter.narrow(query)).await
}

impl Filter {
    /// Adds what a row must be to be let through.
    pub(crate) fn narrow(&self, query: &mut QueryBuilder<Postgres>) {
        if !self.types.is_empty() {
            query
                .push(" and type = any(")
                .push_bind(self.types.clone())
                .push(")");
        }
        if !self.labels.is_empty() {
            query
                .push(" and labels @> ")
                .push_bind(Json(self.labels.clone()));
        }
        if let Some(part) = &self.q {
            list::name_contains(query, part);
        }
    }
}

impl SortKey for SortBy {
    const ALL: &'static [Self] = &[Self::CreatedAt, Self::Name, Self::UpdatedAt];

    fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::Name => "name",
            Self::UpdatedAt => "updated_at",
        }
    }
}

impl Order<Resource> for SortBy {
    fn of(self, resource: &Resource) -> String {
        match self {
            Self::CreatedAt => resource.created_at.to_string(),
            Self::Name => resource.name.to_string(),
            Self::UpdatedAt => resource.updated_at.to_string(),
        }
    }
}
