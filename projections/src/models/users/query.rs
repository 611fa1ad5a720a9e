//! Questions about users.
//!
//! Invariant: nothing of what a person is called can be searched or sorted by, since it is sealed.

use schemas::{
    Position,
    domain::{
        TenantId, UserId,
        user::{Role, User},
    },
};

use sqlx::{Postgres, QueryBuilder};

use crate::{
    At, Listed, PageRequest, Row, SortKey, Store, StoreError,
    models::list::{self, Order},
};

/// Which users to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Any of these roles; all when empty.
    pub roles: Vec<Role>,
}

/// What users can be sorted by.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SortBy {
    /// When they registered.
    #[default]
    CreatedAt,
}

/// The user `id` of `tenant`, of now or as of a position.
pub async fn get(
    store: &Store,
    tenant: TenantId,
    id: UserId,
    as_of: Option<Position>,
) -> Result<At<Option<Row<User>>>, StoreError> {
    crate::models::get::get(store, tenant, id.uuid(), as_of).await
}

/// A page of `tenant`'s users.
pub async fn list(
    store: &Store,
    tenant: TenantId,
    filter: &Filter,
    request: &PageRequest<SortBy>,
) -> Result<At<Listed<Row<User>>>, StoreError> {
    list::page(store, tenant, request, |query| filter.narrow(query)).await
}

impl Filter {
    /// Adds what a row must be to be let through.
    pub(crate) fn narrow(&self, query: &mut QueryBuilder<Postgres>) {
        if !self.roles.is_empty() {
            let roles: Vec<_> = self.roles.iter().map(|role| role_name(*role)).collect();
            query.push(" and role = any(").push_bind(roles).push(")");
        }
    }
}

impl SortKey for SortBy {
    const ALL: &'static [Self] = &[Self::CreatedAt];

    fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
        }
    }
}

impl Order<User> for SortBy {
    fn of(self, user: &User) -> String {
        user.created_at.to_string()
    }
}

/// The name on the wire.
fn role_name(role: Role) -> &'static str {
    match role {
        Role::Admin => "admin",
        Role::Operator => "operator",
        Role::Viewer => "viewer",
    }
}
