//! One aggregate by its id.
//!
//! Invariant: a row of another tenant is not there.

use schemas::{Position, Version, domain::TenantId};
use sqlx::{Row as _, postgres::PgRow, types::Json};
use uuid::Uuid;

use crate::{At, Row, Store, StoreError, models::Model};

/// The aggregate `id` of `tenant`, if it lives.
pub(super) async fn get<A: Model>(
    store: &Store,
    tenant: TenantId,
    id: Uuid,
) -> Result<At<Option<Row<A>>>, StoreError> {
    let found = store
        .read(tenant, |mut rows| async move {
            let asked = sqlx::query(A::statements().get.as_str())
                .bind(tenant.uuid())
                .bind(id)
                .bind(A::KIND.name());
            asked.fetch_optional(&mut *rows).await
        })
        .await?;
    let row = found.as_ref().map(row_of).transpose()?.flatten();
    At::told_by(found.as_ref(), row)
}

/// The aggregate that a row of an answer holds, if any.
pub(crate) fn row_of<A: Model>(row: &PgRow) -> Result<Option<Row<A>>, StoreError> {
    let Some(id) = row.try_get::<Option<Uuid>, _>("id")? else {
        return Ok(None);
    };
    let Json(state) = row.try_get("state")?;
    Ok(Some(Row {
        id,
        tenant: TenantId::new(row.try_get("tenant_id")?),
        version: Version(row.try_get::<i64, _>("version")? as u64),
        position: Position(row.try_get::<i64, _>("position")? as u64),
        state,
    }))
}
