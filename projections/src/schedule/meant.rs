//! Which tasks an operation means.
//!
//! Invariant: asked twice it is the same tasks, whatever has become of them since: they are those
//! that were so at the operation's position.

use schemas::{
    Position,
    domain::{TaskId, TenantId, operation::Operation},
};
use sqlx::Row as _;
use uuid::Uuid;

use crate::{Overview, StoreError};

/// The next `limit` tasks that `operation` means after those that it has come to, in the order of
/// ids; none at all while the read models have not reached its position.
pub async fn meant(
    overview: &Overview,
    tenant: TenantId,
    operation: &Operation,
    limit: u16,
) -> Result<Option<Vec<TaskId>>, StoreError> {
    let filter = &operation.filter;
    let statuses: Vec<_> = filter.statuses.iter().map(|status| status.name()).collect();
    let priorities: Vec<_> = filter.priorities.iter().map(|one| one.name()).collect();
    let rows = overview
        .read(|pool| {
            let asked = sqlx::query(include_str!("meant.sql"))
                .bind(tenant.uuid())
                .bind(operation.as_of as i64)
                .bind(operation.reached.map(TaskId::uuid))
                .bind(statuses.clone())
                .bind(filter.kinds.clone())
                .bind(priorities.clone())
                .bind(filter.job_id.map(schemas::domain::JobId::uuid))
                .bind(filter.batch)
                .bind(i64::from(limit));
            async move { asked.fetch_all(&pool).await }
        })
        .await?;
    let mut tasks = Vec::with_capacity(rows.len());
    for row in &rows {
        let reached: i64 = row.try_get("reached")?;
        if Position(reached as u64) < Position(operation.as_of) {
            return Ok(None);
        }
        let id: Option<Uuid> = row.try_get("id")?;
        tasks.extend(id.map(TaskId::new));
    }
    Ok(if rows.is_empty() { None } else { Some(tasks) })
}
