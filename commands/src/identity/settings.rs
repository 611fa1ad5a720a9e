//! What tenants' settings say of ways in.
//!
//! Invariant: each question is answered from the log as it is when it is asked; what is remembered
//! is read on first. Settings that cannot be read open nothing.

use domain::{
    TenantId,
    settings::{InForce, Settings},
};

use super::Identity;
use crate::Failure;

impl Identity {
    /// Whether strangers may become users of `tenant` by themselves, as far as it decides that.
    /// Takes as long if there is no such tenant.
    pub async fn lets_register(&self, tenant: TenantId) -> Result<bool, Failure> {
        let open = self.is_open(tenant).await?;
        let lets = self.in_force(tenant, |settings| settings.is_registration_open());
        Ok(lets.await? && open)
    }

    /// How long an API key of `tenant` that is made now lasts at most, in milliseconds.
    pub(super) async fn api_key_ms(&self, tenant: TenantId) -> Result<i64, Failure> {
        let longest = self.in_force(tenant, |settings| settings.api_key_ms());
        longest.await
    }

    /// How long a sign-in of `tenant` lasts at most, in milliseconds.
    pub(super) async fn session_ms(&self, tenant: TenantId) -> Result<i64, Failure> {
        let longest = self.in_force(tenant, |settings| settings.session_ms());
        longest.await
    }

    async fn in_force<T>(
        &self,
        tenant: TenantId,
        ask: impl FnOnce(InForce<'_>) -> T,
    ) -> Result<T, Failure> {
        let found = self.commands.state::<Settings>(tenant, tenant.uuid());
        let found = found.await?;
        let settings = found.as_ref().map(|found| &found.state);
        Ok(ask(InForce::new(settings, tenant)))
    }
}
