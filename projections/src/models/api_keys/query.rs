//! Questions about API keys.
//!
//! Invariant: nothing of what a key is called can be searched or sorted by, since it is sealed.

use schemas::{
    Position,
    domain::{ApiKeyId, TenantId, UserId, api_key::ApiKey},
};

use crate::{
    At, Listed, PageRequest, Row, SortKey, Store, StoreError,
    models::list::{self, Order},
};

/// Which API keys to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Whose; everybody's if none.
    pub owner: Option<UserId>,
}

/// What API keys can be sorted by.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SortBy {
    /// When it was created.
    #[default]
    CreatedAt,
    /// When it expires.
    ExpiresAt,
}

/// The API key `id` of `tenant`, of now or as of a position.
pub async fn get(
    store: &Store,
    tenant: TenantId,
    id: ApiKeyId,
    as_of: Option<Position>,
) -> Result<At<Option<Row<ApiKey>>>, StoreError> {
    crate::models::get::get(store, tenant, id.uuid(), as_of).await
}

/// A page of `tenant`'s API keys.
pub async fn list(
    store: &Store,
    tenant: TenantId,
    filter: &Filter,
    request: &PageRequest<SortBy>,
) -> Result<At<Listed<Row<ApiKey>>>, StoreError> {
    list::page(store, tenant, request, |query| {
        if let Some(owner) = filter.owner {
            query.push(" and owner = ").push_bind(owner.uuid());
        }
    })
    .await
}

impl SortKey for SortBy {
    const ALL: &'static [Self] = &[Self::CreatedAt, Self::ExpiresAt];

    fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::ExpiresAt => "expires_at",
        }
    }
}

impl Order<ApiKey> for SortBy {
    fn of(self, key: &ApiKey) -> String {
        match self {
            Self::CreatedAt => key.created_at.to_string(),
            Self::ExpiresAt => key.expires_at.to_string(),
        }
    }
}
