//! How long to wait before trying again.
//!
//! Invariant: the delay depends on the task, its specification and the attempt alone, so every
//! process computes the same; tasks that fail together still come back apart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{TIMEOUT_MAX_MS, TaskRejection};
use crate::TaskId;

/// The ceiling of the delay after the first failure, in milliseconds, unless a task says otherwise.
pub const RETRY_BASE_MS: u64 = 1_000;
/// The ceiling of any delay, in milliseconds, unless a task says otherwise.
pub const RETRY_CAP_MS: u64 = 300_000;

/// How long to wait between attempts: the ceiling doubles with each failure up to the cap.
#[derive(Clone, Copy, Debug, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Backoff {
    /// The ceiling after the first failure, in milliseconds.
    #[schema(minimum = 1, maximum = 86_400_000, default = 1_000)]
    pub base_ms: u64,
    /// The ceiling of all delays, in milliseconds.
    #[schema(minimum = 1, maximum = 86_400_000, default = 300_000)]
    pub cap_ms: u64,
    /// How delays are spread below the ceiling.
    pub jitter: Jitter,
}

/// How delays are spread below their ceiling (Brooker 2015).
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, JsonSchema, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// Over its upper half.
    #[default]
    Equal,
    /// From nothing up to it.
    Full,
    /// Not at all.
    None,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base_ms: RETRY_BASE_MS,
            cap_ms: RETRY_CAP_MS,
            jitter: Jitter::Equal,
        }
    }
}

impl Backoff {
    /// Milliseconds between the failure of attempt `attempt` (from 1) and the next one, spread by
    /// the task's own id.
    pub fn delay_ms(&self, task: TaskId, attempt: u32) -> u64 {
        let doublings = attempt.saturating_sub(1).min(30);
        let ceiling_ms = self.base_ms.saturating_mul(1 << doublings).min(self.cap_ms);
        let spread = spread(task, attempt);
        match self.jitter {
            Jitter::Equal => ceiling_ms / 2 + spread % (ceiling_ms / 2 + 1),
            Jitter::Full => spread % (ceiling_ms + 1),
            Jitter::None => ceiling_ms,
        }
    }

    pub(super) fn check(&self) -> Result<(), TaskRejection> {
        if !(1..=TIMEOUT_MAX_MS).contains(&self.base_ms) {
            let reason = "retry/base_ms lies between 1 and 86400000";
            return Err(TaskRejection::Invalid(reason));
        }
        if !(self.base_ms..=TIMEOUT_MAX_MS).contains(&self.cap_ms) {
            let reason = "retry/cap_ms lies between base_ms and 86400000";
            return Err(TaskRejection::Invalid(reason));
        }
        Ok(())
    }
}

/// A number that looks random and is not: the id's bits mixed with the attempt (`SplitMix64`,
/// Steele 2014).
fn spread(task: TaskId, attempt: u32) -> u64 {
    let (high, low) = task.uuid().as_u64_pair();
    let mut bits = high ^ low.rotate_left(attempt % 64) ^ u64::from(attempt);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    proptest! {
        #[test]
        fn grows_within_its_bounds(
            id in any::<u128>(), attempt in 1_u32..200, base_ms in 1_u64..100_000,
            more_ms in 0_u64..1_000_000,
        ) {
            let task = TaskId::new(Uuid::from_u128(id));
            let cap_ms = base_ms + more_ms;
            let ceiling_ms = cap_ms.min(base_ms << (attempt - 1).min(30));
            for (jitter, least_ms) in [
                (Jitter::Equal, ceiling_ms / 2), (Jitter::Full, 0), (Jitter::None, ceiling_ms),
            ] {
                let backoff = Backoff { base_ms, cap_ms, jitter };
                let delay_ms = backoff.delay_ms(task, attempt);
                prop_assert!((least_ms..=ceiling_ms).contains(&delay_ms));
                prop_assert_eq!(delay_ms, backoff.delay_ms(task, attempt));
            }
        }
    }

    #[test]
    fn neighbours_come_back_apart() {
        let backoff = Backoff::default();
        let delays: std::collections::BTreeSet<_> = (0..100)
            .map(|id| backoff.delay_ms(TaskId::new(Uuid::from_u128(id)), 4))
            .collect();
        assert!(delays.len() > 90, "only {} different delays", delays.len());
    }
}
