//! Questions about jobs.
//!
//! Invariant: an empty filter lets every living job through.

use schemas::{
    Position,
    domain::{JobId, TenantId, job::Job, job::JobStatus},
};
use sqlx::{Postgres, QueryBuilder};

use super::status_name;
use crate::{
    At, Listed, PageRequest, Row, SortKey, Store, StoreError,
    models::list::{self, Order},
};

/// Which jobs to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Any of these; all when empty.
    pub statuses: Vec<JobStatus>,
    /// Part of the name, in any case of letters.
    pub q: Option<String>,
}

/// What jobs can be sorted by.
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

/// The job `id` of `tenant`, if it lives; as of a position, if it lived then.
pub async fn get(
    store: &Store,
    tenant: TenantId,
    id: JobId,
    as_of: Option<Position>,
) -> Result<At<Option<Row<Job>>>, StoreError> {
    crate::models::get::get(store, tenant, id.uuid(), as_of).await
}

/// A page of `tenant`'s jobs.
pub async fn list(
    store: &Store,
    tenant: TenantId,
    filter: &Filter,
    request: &PageRequest<SortBy>,
) -> Result<At<Listed<Row<Job>>>, StoreError> {
    list::page(store, tenant, request, |query| filter.narrow(query)).await
}

impl Filter {
    /// Adds what a row must be to be let through.
    pub(crate) fn narrow(&self, query: &mut QueryBuilder<Postgres>) {
        if !self.statuses.is_empty() {
            let statuses: Vec<_> = self.statuses.iter().map(|s| status_name(*s)).collect();
            query
                .push(" and status = any(")
                .push_bind(statuses)
                .push(")");
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

impl Order<Job> for SortBy {
    fn of(self, job: &Job) -> String {
        match self {
            Self::CreatedAt => job.created_at.to_string(),
            Self::Name => job.name.to_string(),
            Self::UpdatedAt => job.updated_at.to_string(),
        }
    }
}
