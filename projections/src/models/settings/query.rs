//! The question about settings.
//!
//! Invariant: it is asked of one tenant.

use schemas::domain::{TenantId, settings::Settings};

use crate::{At, Row, Store, StoreError};

/// What `tenant` has set; none if it never has.
pub async fn get(store: &Store, tenant: TenantId) -> Result<At<Option<Row<Settings>>>, StoreError> {
    crate::models::get::get(store, tenant, tenant.uuid()).await
}
