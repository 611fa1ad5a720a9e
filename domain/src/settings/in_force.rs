//! What holds for a tenant: what it has set, and the defaults for the rest.
//!
//! Invariant: a stored value that its definition allows no more counts as not set, so what holds is
//! within the bounds of today.

use serde_json::Value;

use super::{
    API_KEY_DAYS, DAY_MS, Definition, REGISTRATION, SESSION_DAYS, Settings, TASKS_AT_ONCE,
    TASKS_MAX, TASKS_PER_MINUTE,
};
use crate::TenantId;

/// The settings of a tenant, whether it has ever changed any or not.
#[derive(Clone, Copy, Debug)]
pub struct InForce<'a> {
    settings: Option<&'a Settings>,
    tenant: TenantId,
}

impl<'a> InForce<'a> {
    /// What holds for `tenant`, whose settings are `settings`.
    pub const fn new(settings: Option<&'a Settings>, tenant: TenantId) -> Self {
        Self { settings, tenant }
    }

    /// What `setting` is.
    pub fn value(&self, setting: &Definition) -> Value {
        let set = self.set(setting).cloned();
        set.unwrap_or_else(|| (setting.default)(self.tenant))
    }

    /// Whether the tenant has left `setting` as it was.
    pub fn is_default(&self, setting: &Definition) -> bool {
        self.set(setting).is_none()
    }

    /// How long an API key lasts at most, in milliseconds.
    pub fn api_key_ms(&self) -> i64 {
        self.days(&API_KEY_DAYS) * DAY_MS
    }

    /// Whether people may register by themselves, as far as the tenant decides it.
    pub fn is_registration_open(&self) -> bool {
        self.value(&REGISTRATION) == "open"
    }

    /// How long a sign-in lasts at most, in milliseconds.
    pub fn session_ms(&self) -> i64 {
        self.days(&SESSION_DAYS) * DAY_MS
    }

    /// How many of the tenant's tasks run at a time at most, if it limits them.
    pub fn tasks_at_once(&self) -> Option<u32> {
        self.limit(&TASKS_AT_ONCE)
    }

    /// How many attempts at its tasks begin in a minute at most, if it limits them.
    pub fn tasks_per_minute(&self) -> Option<u32> {
        self.limit(&TASKS_PER_MINUTE)
    }

    fn limit(&self, setting: &Definition) -> Option<u32> {
        let limit = self.value(setting).as_i64()?;
        u32::try_from(limit).ok().filter(|_| limit < TASKS_MAX)
    }

    fn days(&self, setting: &Definition) -> i64 {
        // What is no number never gets past a definition of one; no days are the safe side.
        self.value(setting).as_i64().unwrap_or_default()
    }

    fn set(&self, setting: &Definition) -> Option<&'a Value> {
        let value = self.settings?.values.get(setting.name)?;
        setting.check(value).is_ok().then_some(value)
    }
}
