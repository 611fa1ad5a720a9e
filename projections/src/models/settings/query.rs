//! The question about settings.
//!
//! Invariant: it is asked of one tenant.

use schemas::{
    Position,
    domain::{TenantId, settings::Settings},
};

use crate::{At, Row, Store, StoreError};

/// What `tenant` has set, or had set as of a position; none if it never has.
pub async fn get(
    store: &Store,
    tenant: TenantId,
    as_of: Option<Position>,
) -> Result<At<Option<Row<Settings>>>, StoreError> {
    crate::models::get::get(store, tenant, tenant.uuid(), as_of).await
}
