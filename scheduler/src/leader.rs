//! One scheduler leads, the others stand by.
//!
//! Invariant: whoever has not renewed the lease in time stops acting, by its own monotonic clock,
//! before anybody else can take it. Should two lead all the same (a process that was frozen and
//! does not know it yet), the log refuses the second commit on each slot.

use std::time::Duration;

use event_log::{Lease, Leases};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::ticks::Tick;

/// What the lease is called.
const NAME: &str = "scheduler";
/// How long after a renewal the holder acts; the bucket forgets the lease 3 s later.
const HOLD: Duration = Duration::from_secs(7);

/// Waits until this instance leads; none if `shutdown` came first.
pub async fn lead(
    leases: &Leases,
    instance: &str,
    tick: &Tick,
    shutdown: &CancellationToken,
) -> Option<Lease> {
    let mut reachable = true;
    loop {
        let acquired = tokio::select! {
            () = shutdown.cancelled() => return None,
            acquired = leases.acquire(NAME, instance) => acquired,
        };
        match acquired {
            Ok(Some(lease)) => return Some(lease),
            Ok(None) => reachable = true,
            Err(reason) => {
                if reachable {
                    tracing::warn!(%reason, "cannot ask for the scheduler's lease: trying on");
                }
                reachable = false;
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return None,
            () = tick.beat() => {}
        }
    }
}

/// Renews `lease` at each tick; returns once it is lost, saying why.
pub async fn hold(lease: &mut Lease, tick: &Tick) -> &'static str {
    let mut until = Instant::now() + HOLD;
    loop {
        if timeout_at(until, tick.beat()).await.is_err() || !lease.is_held() {
            return "it was not renewed in time";
        }
        let asked = Instant::now();
        match timeout_at(until, lease.renew()).await {
            Ok(Ok(true)) => until = asked + HOLD,
            Ok(Ok(false)) => return "another instance has it",
            // The log is away; the lease lasts a little longer than that may.
            Ok(Err(_)) => {}
            Err(_) => return "it could not be renewed in time",
        }
    }
}

/// Gives the lease up, if it is still held.
pub async fn release(lease: Lease) {
    if !lease.is_held() {
        return;
    }
    if let Err(reason) = lease.release().await {
        tracing::info!(%reason, "the scheduler's lease was not released: it expires by itself");
    }
}
