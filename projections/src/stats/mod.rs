//! The figures of the overview.
//!
//! Invariant: what there is the projector counts as it goes, so that it takes as long for a million
//! tasks as for ten; what happened lately is read from indexes and not from before a day ago.

mod recent;

use schemas::{
    api::{Stats, TypeCount},
    domain::{TenantId, Timestamp},
};
use sqlx::Row as _;

use crate::{At, Store, StoreError};
use recent::Recent;

/// How much of everything `tenant` has, and how its tasks went in the day before `now`.
pub async fn get(store: &Store, tenant: TenantId, now: Timestamp) -> Result<At<Stats>, StoreError> {
    let mut recent = Recent::until(now);
    let since = recent.since().to_chrono();
    let rows = store
        .read(tenant, |mut rows| async move {
            let asked = sqlx::query(include_str!("stats.sql")).bind(tenant.uuid());
            asked.bind(since).fetch_all(&mut *rows).await
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
            "created" | "ended" => recent.add(row.try_get("hour")?, &bucket, count),
            "duration_ms" | "lateness_ms" => recent.sample(model, &bucket, count),
            _ => {}
        }
    }
    if let Some(row) = rows.first() {
        recent.begin(row.try_get("since")?);
        let reached: Option<chrono::DateTime<chrono::Utc>> = row.try_get("reached_at")?;
        stats.reached_at = reached.map(|at| Timestamp::from_unix_ms(at.timestamp_millis()));
    }
    stats.recent = recent.told(now);
    let mut found = At::told_by(rows.first(), stats)?;
    found.value.position = found.position.0;
    Ok(found)
}
