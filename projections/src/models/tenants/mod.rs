//! Tenants: whom everything else belongs to.
//!
//! Invariant: a tenant's row is its own: its id is that of its tenant.

use std::sync::LazyLock;

use schemas::domain::{TenantId, tenant::Tenant};

use crate::{
    At, Row, Store, StoreError,
    models::{Model, Statements},
};

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements::of("tenants"));

impl Model for Tenant {
    fn statements() -> &'static Statements {
        &STATEMENTS
    }

    fn bucket(&self) -> Option<&str> {
        None
    }

    fn lives(&self) -> bool {
        true
    }
}

/// The tenant itself.
pub async fn get(store: &Store, tenant: TenantId) -> Result<At<Option<Row<Tenant>>>, StoreError> {
    crate::models::get::get(store, tenant, tenant.uuid()).await
}
