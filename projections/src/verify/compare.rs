//! Holds every row against what it must be.
//!
//! Invariant: rows are read one after the other and never all kept; each expectation is used up by
//! one row, and what is left over is missing.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use schemas::{Position, Version, domain::TenantId};
use sqlx::{PgConnection, Row as _, postgres::PgRow, types::Json};
use uuid::Uuid;

use super::{
    VerifyError,
    canonical::digest,
    expected::{Expected, Key, Rows, digest_of},
    findings::Findings,
};
use crate::models::Model;

/// Compares everything; says how many rows there were.
pub(super) async fn all(
    snapshot: &mut PgConnection,
    expected: &mut Expected,
    findings: &mut Findings<'_>,
) -> Result<u64, VerifyError> {
    let mut rows = model(snapshot, &mut expected.api_keys, findings).await?;
    rows += model(snapshot, &mut expected.jobs, findings).await?;
    rows += model(snapshot, &mut expected.operations, findings).await?;
    rows += model(snapshot, &mut expected.resource_types, findings).await?;
    rows += model(snapshot, &mut expected.resources, findings).await?;
    rows += model(snapshot, &mut expected.settings, findings).await?;
    rows += model(snapshot, &mut expected.tasks, findings).await?;
    rows += model(snapshot, &mut expected.tenants, findings).await?;
    rows += model(snapshot, &mut expected.users, findings).await?;
    counts(snapshot, expected, findings).await?;
    expected.mirror.compare(snapshot, findings).await?;
    expected.moments.compare(snapshot, findings).await?;
    expected.parked.end(findings);
    expected.skipped.end(findings);
    Ok(rows)
}

async fn model<A: Model>(
    snapshot: &mut PgConnection,
    expected: &mut Rows<A>,
    findings: &mut Findings<'_>,
) -> Result<u64, VerifyError> {
    let now = current(snapshot, expected, findings).await?;
    Ok(now + history(snapshot, expected, findings).await?)
}

async fn current<A: Model>(
    snapshot: &mut PgConnection,
    expected: &mut Rows<A>,
    findings: &mut Findings<'_>,
) -> Result<u64, VerifyError> {
    let table = A::statements().table;
    let mut rows = sqlx::query(A::statements().scan.as_str()).fetch(snapshot);
    let mut seen = 0;
    while let Some(row) = rows.try_next().await? {
        seen += 1;
        findings.compared();
        let key = key(&row)?;
        let folded = expected.current.remove(&key);
        let Some(folded) = folded.filter(|folded| folded.living().is_some()) else {
            findings.add(table, key, "extra: the log knows of no such thing alive");
            continue;
        };
        let version = Version(row.try_get::<i64, _>("version")? as u64);
        let position = Position(row.try_get::<i64, _>("position")? as u64);
        if (version, position) != (folded.version, folded.position) {
            let told = format!(
                "version {version} of position {position}, but the log has version {} of {}",
                folded.version, folded.position
            );
            findings.add(table, key, told);
        }
        if folded.living().map(digest_of) != Some(state(&row)?) {
            findings.add(table, key, "its state is not what its events make of it");
        }
    }
    for (key, folded) in &expected.current {
        if folded.living().is_some() {
            findings.add(
                table,
                *key,
                format!("missing: the log has version {}", folded.version),
            );
        }
    }
    Ok(seen)
}

async fn history<A: Model>(
    snapshot: &mut PgConnection,
    expected: &mut Rows<A>,
    findings: &mut Findings<'_>,
) -> Result<u64, VerifyError> {
    let table = A::statements().table;
    let mut rows = sqlx::query(A::statements().scan_history.as_str()).fetch(snapshot);
    let mut seen = 0;
    while let Some(row) = rows.try_next().await? {
        seen += 1;
        findings.compared();
        let key = key(&row)?;
        let from = Position(row.try_get::<i64, _>("valid_from")? as u64);
        let Some(ended) = expected.history.remove(&(key, from)) else {
            findings.add(
                table,
                key,
                format!("extra: a version of position {from} in its history"),
            );
            continue;
        };
        let version = Version(row.try_get::<i64, _>("version")? as u64);
        let to = Position(row.try_get::<i64, _>("valid_to")? as u64);
        if (state(&row)?, version, to) != ended {
            let told = format!("its version of position {from} is not what its events made of it");
            findings.add(table, key, told);
        }
    }
    for ((key, from), (_, version, _)) in &expected.history {
        let told = format!("missing: version {version} of position {from} in its history");
        findings.add(table, *key, told);
    }
    Ok(seen)
}

async fn counts(
    snapshot: &mut PgConnection,
    expected: &Expected,
    findings: &mut Findings<'_>,
) -> Result<(), VerifyError> {
    let rows = sqlx::query("select * from counts")
        .fetch_all(snapshot)
        .await?;
    let mut stored = BTreeMap::new();
    for row in &rows {
        let tenant = TenantId::new(row.try_get("tenant_id")?);
        let bucket: (String, String) = (row.try_get("model")?, row.try_get("bucket")?);
        stored.insert(
            (tenant, bucket.0, bucket.1),
            row.try_get::<i64, _>("total")?,
        );
    }
    if stored != expected.counts {
        for key in stored.keys().chain(expected.counts.keys()) {
            let (found, wanted) = (stored.get(key), expected.counts.get(key));
            if found != wanted {
                let told = format!("{} {}: {found:?}, but the log has {wanted:?}", key.1, key.2);
                findings.add("counts", (key.0, Uuid::nil()), told);
            }
        }
    }
    Ok(())
}

fn key(row: &PgRow) -> Result<Key, sqlx::Error> {
    Ok((TenantId::new(row.try_get("tenant_id")?), row.try_get("id")?))
}

fn state(row: &PgRow) -> Result<u64, sqlx::Error> {
    let Json(state) = row.try_get::<Json<serde_json::Value>, _>("state")?;
    Ok(digest(&state))
}
