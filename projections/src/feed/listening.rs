//! Who listens.
//!
//! Invariant: a tenant is among those that are read for exactly while one of its subscribers is
//! there.

use std::collections::BTreeMap;

use schemas::domain::TenantId;

use super::LiveFeed;

/// How many subscribers each tenant has, but for those that have none.
#[derive(Debug, Default)]
pub(super) struct Listeners(BTreeMap<TenantId, usize>);

/// One subscriber, as long as it is there.
pub(super) struct Listening {
    feed: LiveFeed,
    tenant: TenantId,
}

impl Listeners {
    /// Those who are to be told.
    pub(super) fn tenants(&self) -> Vec<TenantId> {
        self.0.keys().copied().collect()
    }

    /// One more for `tenant`; `feed` is the one whose listeners these are.
    pub(super) fn add(&mut self, tenant: TenantId, feed: &LiveFeed) -> Listening {
        *self.0.entry(tenant).or_default() += 1;
        Listening {
            feed: feed.clone(),
            tenant,
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let listeners = &mut self.feed.told().listeners.0;
        if let Some(count) = listeners.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                listeners.remove(&self.tenant);
            }
        }
    }
}
