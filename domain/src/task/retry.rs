//! How long to wait before trying again.
//!
//! Invariant: the delay depends on the task and the attempt alone, so every process computes the
//! same; tasks that fail together still come back apart.

use crate::TaskId;

/// The ceiling of the delay after the first failure, in milliseconds.
pub const RETRY_BASE_MS: u64 = 1_000;
/// The ceiling of any delay, in milliseconds.
pub const RETRY_CAP_MS: u64 = 300_000;

/// Milliseconds between the failure of attempt `attempt` (from 1) and the next one: exponential,
/// and spread over the upper half of its range ("equal jitter", Brooker 2015) by the task's own id.
pub fn retry_delay_ms(task: TaskId, attempt: u32) -> u64 {
    let doublings = attempt.saturating_sub(1).min(30);
    let ceiling_ms = RETRY_BASE_MS
        .saturating_mul(1 << doublings)
        .min(RETRY_CAP_MS);
    ceiling_ms / 2 + spread(task, attempt) % (ceiling_ms / 2 + 1)
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
        fn grows_within_its_bounds(id in any::<u128>(), attempt in 1_u32..200) {
            let task = TaskId::new(Uuid::from_u128(id));
            let delay_ms = retry_delay_ms(task, attempt);
            let ceiling_ms = RETRY_CAP_MS.min(RETRY_BASE_MS << (attempt - 1).min(20));
            prop_assert!((ceiling_ms / 2..=ceiling_ms).contains(&delay_ms));
            prop_assert_eq!(delay_ms, retry_delay_ms(task, attempt));
        }
    }

    #[test]
    fn neighbours_come_back_apart() {
        let delays: std::collections::BTreeSet<_> = (0..100)
            .map(|id| retry_delay_ms(TaskId::new(Uuid::from_u128(id)), 4))
            .collect();
        assert!(delays.len() > 90, "only {} different delays", delays.len());
    }
}
