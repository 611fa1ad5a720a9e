//! Attempts of kinds that this worker does not serve: it knows none such, or may not run it.
//!
//! Invariant: they are claimed by nobody who cannot make them, so no attempt is burnt; they come
//! again, less and less often, until a worker is there that serves them, and it is said that they
//! wait.

use std::time::Duration;

use domain::LogLevel;
use event_log::{Delivery, WorkItem};

use super::Shared;
use crate::report::Reporter;

/// How long the first of them rests, and any at most.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_mins(1);

impl Shared {
    /// Whether this worker can make the attempt.
    pub(super) fn serves(&self, item: &WorkItem) -> bool {
        item.kind.is_empty() || self.handlers.serves(&item.kind)
    }

    /// Says that the attempt waits for another worker, and how long it may rest until then.
    pub(super) fn leave(&self, delivery: &Delivery) -> Duration {
        let WorkItem {
            attempt,
            kind,
            task,
            tenant,
            ..
        } = &delivery.item;
        if delivery.redelivered == 0 {
            tracing::warn!(%task, %tenant, kind, "waits for a worker that serves its kind");
            let report = self.logs.report(Reporter {
                attempt: *attempt,
                task: *task,
                tenant: *tenant,
            });
            let words = format!(
                "waits for a worker that serves {kind}; {} does not",
                self.name
            );
            report.log(LogLevel::Warn, words);
        }
        pause(delivery.redelivered)
    }
}

fn pause(redelivered: u64) -> Duration {
    let doublings = u32::try_from(redelivered.min(10)).unwrap_or(10);
    (PAUSE * 2_u32.pow(doublings)).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_serves_comes_ever_less_often() {
        let pauses = [0, 1, 5, 6, 1_000].map(|n| pause(n).as_secs());
        assert_eq!(pauses, [1, 2, 32, 60, 60]);
    }
}
