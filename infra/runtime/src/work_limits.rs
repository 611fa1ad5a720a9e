//! How much of the work may go on at a time, and how much may begin, in the whole installation.
//!
//! Invariant: what is not limited here is limited by nothing but the workers there are; tenants may
//! set themselves lower limits, never higher ones.

use std::{collections::BTreeMap, num::NonZeroU32};

use serde::Deserialize;

/// Limits of all tasks of a kind, and of all tasks of each tenant.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct WorkLimits {
    /// By kind, of all tenants together.
    pub kinds: BTreeMap<String, WorkLimit>,
    /// Of each tenant.
    pub per_tenant: WorkLimit,
}

/// One limit.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct WorkLimit {
    /// How many attempts at a time.
    pub concurrency: Option<NonZeroU32>,
    /// How many attempts may begin in a minute; at most a second's worth of them at once.
    pub per_minute: Option<NonZeroU32>,
}

impl WorkLimit {
    /// What holds if both do.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let least = |one: Option<NonZeroU32>, other: Option<NonZeroU32>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self {
            concurrency: least(self.concurrency, other.concurrency),
            per_minute: least(self.per_minute, other.per_minute),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_limits_the_lower_holds() {
        let limit = |concurrency, per_minute| WorkLimit {
            concurrency: NonZeroU32::new(concurrency),
            per_minute: NonZeroU32::new(per_minute),
        };
        assert_eq!(limit(3, 0).and(limit(5, 7)), limit(3, 7));
        assert_eq!(limit(0, 0).and(limit(0, 7)), limit(0, 7));
    }
}
