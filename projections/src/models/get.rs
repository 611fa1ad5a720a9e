//! One aggregate by its id.
//!
//! Invariant: a row of another tenant is not there. As of a position, what is there is what was
//! there after the commit at it, and never the row of now.

use schemas::{Position, Version, domain::TenantId};
use sqlx::{Row as _, postgres::PgRow, types::Json};
use uuid::Uuid;

use crate::{At, Row, Store, StoreError, models::Model};

/// The aggregate `id` of `tenant`, if it lives; as of a position, if it lived then.
pub(super) async fn get<A: Model>(
    store: &Store,
    tenant: TenantId,
    id: Uuid,
    as_of: Option<Position>,
) -> Result<At<Option<Row<A>>>, StoreError> {
    let found = store
        .read(tenant, |mut rows| async move {
            let statement = match as_of {
                None => &A::statements().get,
                Some(_) => &A::statements().get_as_of,
            };
            let mut asked = sqlx::query(statement.as_str())
                .bind(tenant.uuid())
                .bind(id)
                .bind(A::KIND.name());
            if let Some(position) = as_of {
                asked = asked.bind(position.0 as i64);
            }
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
