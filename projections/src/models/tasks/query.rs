//! Questions about tasks.
//!
//! Invariant: a slot that was skipped is listed only for whoever asks for such.

use schemas::{
    Position,
    domain::{
        JobId, TaskId, TenantId,
        task::{Priority, Task, TaskStatus},
    },
};

use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use crate::{
    At, Listed, PageRequest, Row, SortKey, Store, StoreError,
    models::list::{self, Order},
};

/// Which tasks to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Tasks that were created together.
    pub batch: Option<Uuid>,
    /// Tasks of this job.
    pub job_id: Option<JobId>,
    /// Any of these kinds; all when empty.
    pub kinds: Vec<String>,
    /// Any of these priorities; all when empty.
    pub priorities: Vec<Priority>,
    /// Whether slots that were skipped are listed too. They are as well when `statuses` names them.
    pub skipped: bool,
    /// Any of these statuses; all when empty.
    pub statuses: Vec<TaskStatus>,
}

/// What tasks can be sorted by.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SortBy {
    /// When it was created.
    #[default]
    CreatedAt,
    /// When it may start at the earliest; tasks that wait for no time come after all others.
    DueAt,
    /// When anything of it last changed.
    UpdatedAt,
}

/// The task `id` of `tenant`, of now or as of a position.
pub async fn get(
    store: &Store,
    tenant: TenantId,
    id: TaskId,
    as_of: Option<Position>,
) -> Result<At<Option<Row<Task>>>, StoreError> {
    crate::models::get::get(store, tenant, id.uuid(), as_of).await
}

/// A page of `tenant`'s tasks.
pub async fn list(
    store: &Store,
    tenant: TenantId,
    filter: &Filter,
    request: &PageRequest<SortBy>,
) -> Result<At<Listed<Row<Task>>>, StoreError> {
    list::page(store, tenant, request, |query| filter.narrow(query)).await
}

impl Filter {
    /// Adds what a row must be to be let through.
    pub(crate) fn narrow(&self, query: &mut QueryBuilder<Postgres>) {
        if self.statuses.is_empty() && !self.skipped {
            query.push(" and status <> 'skipped'");
        }
        if !self.statuses.is_empty() {
            let statuses: Vec<_> = self.statuses.iter().map(|s| s.name()).collect();
            query
                .push(" and status = any(")
                .push_bind(statuses)
                .push(")");
        }
        if !self.kinds.is_empty() {
            query
                .push(" and kind = any(")
                .push_bind(self.kinds.clone())
                .push(")");
        }
        if !self.priorities.is_empty() {
            let priorities: Vec<_> = self.priorities.iter().map(|p| p.name()).collect();
            query
                .push(" and priority = any(")
                .push_bind(priorities)
                .push(")");
        }
        if let Some(batch) = self.batch {
            query.push(" and batch = ").push_bind(batch);
        }
        if let Some(job) = self.job_id {
            query.push(" and job_id = ").push_bind(job.uuid());
        }
    }
}

impl SortKey for SortBy {
    const ALL: &'static [Self] = &[Self::CreatedAt, Self::DueAt, Self::UpdatedAt];

    fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::DueAt => "due_at",
            Self::UpdatedAt => "updated_at",
        }
    }
}

impl Order<Task> for SortBy {
    fn of(self, task: &Task) -> String {
        match self {
            Self::CreatedAt => task.created_at.to_string(),
            Self::DueAt => task
                .due_at
                .map_or_else(|| "infinity".to_owned(), |at| at.to_string()),
            Self::UpdatedAt => task.updated_at.to_string(),
        }
    }

    fn expression(self) -> &'static str {
        match self {
            Self::DueAt => "coalesce(due_at, 'infinity')",
            other => other.name(),
        }
    }
}
