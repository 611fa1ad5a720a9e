//! Says that this worker is there, and what it is at.
//!
//! Invariant: nothing waits for it. What it says is for people, and for whoever has to find out
//! that a worker is gone; neither takes it for more than a hint.

use std::{sync::Arc, time::Duration};

use domain::Timestamp;
use event_log::Presence;
use schemas::{RunningAttempt, WorkerEntry};
use tokio_util::sync::CancellationToken;

use super::Shared;

/// How often it says so.
const EVERY: Duration = Duration::from_secs(5);
/// How many attempts it names at most.
const NAMED_MAX: usize = 500;

/// What does not change of a worker while it is there.
pub(super) struct About {
    slots: u32,
    started_at: Timestamp,
    zone: Option<String>,
}

impl About {
    pub(super) fn new(config: &runtime::Worker, lanes: usize, started_at: Timestamp) -> Self {
        Self {
            slots: u32::try_from(lanes * config.concurrency.max(1)).unwrap_or(u32::MAX),
            started_at,
            zone: config.zone.clone(),
        }
    }
}

/// Says so until the worker is gone, and then that it is.
pub(super) async fn tell(
    presence: Presence,
    shared: Arc<Shared>,
    about: About,
    shutdown: CancellationToken,
) {
    let mut is_heard = true;
    loop {
        let draining = shutdown.is_cancelled();
        let entry = entry(&shared, &about, draining);
        let entry = serde_json::to_vec(&entry).expect("entries always encode");
        let heard = presence.put(&shared.name, entry).await;
        if let (Err(reason), true) = (&heard, is_heard) {
            tracing::warn!(%reason, "it is not heard that this worker is there: trying on");
        }
        is_heard = heard.is_ok();
        tokio::select! {
            () = shared.gone.cancelled() => break,
            () = shutdown.cancelled(), if !draining => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    if let Err(reason) = presence.remove(&shared.name).await {
        tracing::debug!(%reason, "it was not heard that this worker is gone");
    }
}

fn entry(shared: &Shared, about: &About, draining: bool) -> WorkerEntry {
    let kinds = shared.handlers.kinds().into_iter().map(str::to_owned);
    let named = shared.hands.all().into_iter().take(NAMED_MAX);
    let running = named.map(|(tenant, task, attempt)| RunningAttempt {
        tenant,
        task,
        attempt,
    });
    WorkerEntry {
        name: shared.name.clone(),
        kinds: kinds.collect(),
        slots: Some(about.slots),
        running: running.collect(),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        zone: about.zone.clone(),
        draining,
        memory_bytes: memory_bytes(),
        started_at: about.started_at,
        tenant: None,
    }
}

/// How much of this machine's memory the process takes, as the kernel counts it.
fn memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_how_much_memory_it_takes() {
        let bytes = memory_bytes().expect("the kernel tells");
        assert!(bytes > 1024 * 1024, "{bytes}");
    }
}
