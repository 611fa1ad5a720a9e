//! The question about operations.
//!
//! Invariant: it is asked of one tenant.

use schemas::{
    Position,
    domain::{OperationId, TenantId, operation::Operation},
};

use crate::{At, Row, Store, StoreError};

/// The operation `id` of `tenant`, of now or as of a position.
pub async fn get(
    store: &Store,
    tenant: TenantId,
    id: OperationId,
    as_of: Option<Position>,
) -> Result<At<Option<Row<Operation>>>, StoreError> {
    crate::models::get::get(store, tenant, id.uuid(), as_of).await
}
