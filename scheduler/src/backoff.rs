//! How long to wait before asking again somebody who did not answer.
//!
//! Invariant: never longer than five seconds, so that what comes back is used soon.

use std::time::Duration;

const BASE_MS: u64 = 100;
const CAP_MS: u64 = 5_000;

/// The wait after the `failures`th failure in a row, from 1: 100 ms, doubling, at most 5 s.
pub fn backoff(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    Duration::from_millis((BASE_MS << doublings).min(CAP_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_five_seconds() {
        let waits: Vec<_> = [0, 1, 2, 3, 7, 8, u32::MAX]
            .into_iter()
            .map(|failures| backoff(failures).as_millis())
            .collect();
        assert_eq!(waits, [100, 100, 200, 400, 5_000, 5_000, 5_000]);
    }
}
