//! What is before a task in the queue.
//!
//! Invariant: only tasks of the same tenant are counted; others are nobody's to know.

use schemas::domain::{TaskId, TenantId};
use sqlx::Row as _;

use crate::{At, Store, StoreError};

/// How many tasks of the tenant are before one, and beside it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ahead {
    /// Tasks in the queue that have waited longer, of the same priority.
    pub longer: u64,
    /// Tasks in the queue of higher priority.
    pub more_urgent: u64,
    /// Tasks that run.
    pub running: u64,
    /// Those of them that are of the same kind.
    pub running_of_kind: u64,
}

/// What is before the task `id` of `tenant` now.
pub async fn ahead(store: &Store, tenant: TenantId, id: TaskId) -> Result<At<Ahead>, StoreError> {
    let rows = store
        .read(tenant, |mut rows| async move {
            let asked = sqlx::query(include_str!("ahead.sql"));
            let asked = asked.bind(tenant.uuid()).bind(id.uuid());
            asked.fetch_all(&mut *rows).await
        })
        .await?;
    let mut ahead = Ahead::default();
    if let Some(row) = rows.first() {
        let count = |name| row.try_get::<i64, _>(name).map(|count| count as u64);
        ahead = Ahead {
            longer: count("longer")?,
            more_urgent: count("more_urgent")?,
            running: count("running")?,
            running_of_kind: count("running_of_kind")?,
        };
    }
    At::told_by(rows.first(), ahead)
}
