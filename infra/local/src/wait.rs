//! Waiting for a condition with a deadline.
//!
//! Invariant: nothing here waits a fixed time; every wait ends as soon as its condition holds.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Calls `probe` until it answers or `limit` has passed; at least once.
pub(crate) fn until<T>(limit: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(answer) = probe() {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return None;
        }
        rest(pause);
        pause = (pause * 2).min(Duration::from_millis(40));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the pause between two probes, in synchronous code"
)]
fn rest(pause: Duration) {
    thread::sleep(pause);
}
