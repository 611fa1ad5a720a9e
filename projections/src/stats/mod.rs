//! The figures of the overview.
//!
//! Invariant: the projector counts as it goes, so that the answer takes as long for a million tasks
//! as for ten.

use schemas::{
    api::{Stats, TypeCount},
    domain::TenantId,
};
use sqlx::Row as _;

use crate::{At, Store, StoreError};

/// How much of everything `tenant` has.
pub async fn get(store: &Store, tenant: TenantId) -> Result<At<Stats>, StoreError> {
    let rows = store
        .read(tenant, |mut rows| async move {
            let asked = sqlx::query(include_str!("stats.sql")).bind(tenant.uuid());
            asked.fetch_all(&mut *rows).await
        })
        .await?;
    let mut stats = Stats::default();
    for row in &rows {
        let Some(model) = row.try_get::<Option<&str>, _>("model")? else {
            continue;
        };
        let bucket: String = row.try_get("bucket")?;
        let count = row.try_get::<i64, _>("total")? as u64;
        match model {
            "jobs" => drop(stats.jobs.insert(bucket, count)),
            "resources" => stats.resources.push(TypeCount {
                type_name: bucket,
                count,
            }),
            "tasks" => drop(stats.tasks.insert(bucket, count)),
            "users" => stats.users += count,
            _ => {}
        }
    }
    let mut found = At::told_by(rows.first(), stats)?;
    found.value.position = found.position.0;
    Ok(found)
}
