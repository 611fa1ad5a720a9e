//! The signs of life that a handler gives.
//!
//! Invariant: only what the handler itself does counts; the heartbeat of its worker is no sign of
//! it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// When a handler last gave a sign of life. Clones are of the same handler.
#[derive(Clone, Debug)]
pub(crate) struct Pulse(Arc<Mutex<Instant>>);

impl Default for Pulse {
    /// One that begins now.
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Pulse {
    /// A sign of life: a line or some progress.
    pub(super) fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Returns once the handler was silent for `limit`; never if there is none.
    pub(crate) async fn silent_for(&self, limit: Option<Duration>) {
        let Some(limit) = limit else {
            return std::future::pending().await;
        };
        loop {
            let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner) + limit;
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_counts_from_the_last_sign() {
        let (pulse, began) = (Pulse::default(), Instant::now());
        let signs = async {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(2)).await;
                pulse.beat();
            }
        };
        let limit = Some(Duration::from_secs(3));
        let ((), ()) = tokio::join!(signs, pulse.silent_for(limit));
        assert_eq!(began.elapsed().as_secs(), 13);
    }
}
