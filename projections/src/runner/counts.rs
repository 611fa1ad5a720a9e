//! How the counts of living aggregates change.
//!
//! Invariant: a bucket that was ever entered has a row, also when it was left within the same
//! batch, so that the rows do not depend on where batches are cut.

use std::collections::HashMap;

use schemas::domain::TenantId;
use sqlx::PgConnection;

/// Changes of counts: by tenant, model and bucket.
#[derive(Debug, Default)]
pub(super) struct Counts(HashMap<(TenantId, &'static str, String), i64>);

impl Counts {
    /// One more, or with -1 one less.
    pub(super) fn add(
        &mut self,
        tenant: TenantId,
        model: &'static str,
        bucket: Option<&str>,
        by: i64,
    ) {
        if let Some(bucket) = bucket {
            *self
                .0
                .entry((tenant, model, bucket.to_owned()))
                .or_default() += by;
        }
    }

    pub(super) async fn write(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut changes: Vec<_> = self.0.iter().collect();
        changes.sort();
        sqlx::query(include_str!("sql/count.sql"))
            .bind(
                changes
                    .iter()
                    .map(|(key, _)| key.0.uuid())
                    .collect::<Vec<_>>(),
            )
            .bind(changes.iter().map(|(key, _)| key.1).collect::<Vec<_>>())
            .bind(
                changes
                    .iter()
                    .map(|(key, _)| key.2.as_str())
                    .collect::<Vec<_>>(),
            )
            .bind(changes.iter().map(|(_, by)| **by).collect::<Vec<_>>())
            .execute(connection)
            .await?;
        Ok(())
    }
}
