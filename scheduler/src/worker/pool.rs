//! The slots of a worker and who gets them.
//!
//! Each priority has one long poll open while it may be served, so an idle worker starts what
//! arrives at once. What arrives is staged, one delivery for each priority, and fairness chooses
//! among those. A full worker keeps a staged delivery only briefly and then lets others have it.
//!
//! Invariant: no more attempts run than there are slots, and the last tenth of them is for critical
//! work alone.

use std::{sync::Arc, time::Duration};

use domain::{Timestamp, task::Priority};
use event_log::{Delivery, WorkError, WorkQueue};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    Shared, attempt,
    fairness::{CLASSES, Fairness},
};
use crate::backoff::backoff;

/// How long one poll stays open.
const POLL: Duration = Duration::from_secs(1);
/// How long a full worker keeps a delivery.
const STAGED_MAX: Duration = Duration::from_secs(2);
/// How long to let all polls answer that were opened because a full worker has a slot again.
const GATHER: Duration = Duration::from_millis(5);
/// How long attempts that are handed back may take to say so.
const HAND_BACK: Duration = Duration::from_secs(6);
/// How long to wait for the queue to hear the last of it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The worker's slots.
pub(super) struct Pool {
    attempts: JoinSet<()>,
    classes: [Class; CLASSES],
    fairness: Fairness,
    gather_until: Option<Instant>,
    polls: JoinSet<(usize, Result<Option<Delivery>, WorkError>)>,
    reserve: usize,
    shared: Arc<Shared>,
    slots: usize,
    work: WorkQueue,
}

/// What is known of one priority.
#[derive(Default)]
struct Class {
    failures: u32,
    polling: bool,
    /// A delivery was let go for want of a slot: no more until one is free.
    resting: bool,
    staged: Option<Staged>,
}

struct Staged {
    delivery: Delivery,
    since: Instant,
}

impl Pool {
    pub(super) fn new(work: WorkQueue, shared: Arc<Shared>, concurrency: usize) -> Self {
        let slots = concurrency.max(1);
        Self {
            attempts: JoinSet::new(),
            classes: Default::default(),
            fairness: Fairness::default(),
            gather_until: None,
            polls: JoinSet::new(),
            reserve: reserve(slots),
            shared,
            slots,
            work,
        }
    }

    /// Works until `shutdown`, then gives what runs `drain` to end.
    pub(super) async fn run(mut self, shutdown: &CancellationToken, drain: Duration) {
        loop {
            self.poll();
            self.start();
            let wake = self.wake();
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(polled) = self.polls.join_next() => {
                    if let Ok((class, polled)) = polled {
                        self.polled(class, polled);
                    }
                }
                Some(ended) = self.attempts.join_next() => self.ended(ended.err()),
                () = sleep_until(wake) => self.let_go(),
            }
        }
        self.drain(drain).await;
    }

    /// Opens a poll for each priority that could use a delivery.
    fn poll(&mut self) {
        for (index, class) in self.classes.iter_mut().enumerate() {
            if class.polling || class.resting || class.staged.is_some() {
                continue;
            }
            class.polling = true;
            let work = self.work.clone();
            let pause = (class.failures > 0).then(|| backoff(class.failures));
            self.polls.spawn(async move {
                if let Some(pause) = pause {
                    tokio::time::sleep(pause).await;
                }
                (index, work.pull(Priority::ALL[index], POLL).await)
            });
        }
    }

    fn polled(&mut self, index: usize, polled: Result<Option<Delivery>, WorkError>) {
        let class = &mut self.classes[index];
        class.polling = false;
        match polled {
            Ok(delivery) => {
                class.failures = 0;
                let since = Instant::now();
                class.staged = delivery.map(|delivery| Staged { delivery, since });
            }
            Err(reason) => {
                class.failures = class.failures.saturating_add(1);
                if class.failures == 1 {
                    let priority = Priority::ALL[index].name();
                    tracing::warn!(priority, %reason, "no attempts can be taken: trying on");
                }
            }
        }
    }

    /// Gives free slots to staged deliveries.
    fn start(&mut self) {
        if self
            .gather_until
            .is_some_and(|until| until > Instant::now())
        {
            return;
        }
        self.gather_until = None;
        loop {
            let now = self.shared.clock.now();
            let waited: [Option<Duration>; CLASSES] = std::array::from_fn(|index| {
                let staged = self.classes[index].staged.as_ref()?;
                let queued_at = staged.delivery.queued_at;
                self.has_slot(index).then(|| age(queued_at, now))
            });
            let Some(index) = self.fairness.pick(waited) else {
                return;
            };
            if let Some(staged) = self.classes[index].staged.take() {
                let shared = Arc::clone(&self.shared);
                self.attempts.spawn(attempt::make(shared, staged.delivery));
            }
        }
    }

    fn has_slot(&self, class: usize) -> bool {
        let reserved = if class == 0 { 0 } else { self.reserve };
        self.attempts.len() + reserved < self.slots
    }

    fn ended(&mut self, panicked: Option<tokio::task::JoinError>) {
        if let Some(reason) = panicked {
            tracing::error!(%reason, "an attempt was lost: it is delivered again");
        }
        // Priorities that rested have to be asked first, or whoever answers first would win.
        let rested = self.classes.iter().any(|class| class.resting);
        for class in &mut self.classes {
            class.resting = false;
        }
        if rested {
            self.gather_until = Some(Instant::now() + GATHER);
        }
    }

    /// When there is something to do even if nothing arrives.
    fn wake(&self) -> Instant {
        let staged = self
            .classes
            .iter()
            .filter_map(|class| class.staged.as_ref());
        let let_go = staged.map(|staged| staged.since + STAGED_MAX);
        let idle = Instant::now() + POLL;
        let_go.chain(self.gather_until).min().unwrap_or(idle)
    }

    /// Lets others have what this worker has had no slot for.
    fn let_go(&mut self) {
        for class in &mut self.classes {
            let stale = |staged: &mut Staged| staged.since.elapsed() >= STAGED_MAX;
            if let Some(staged) = class.staged.take_if(stale) {
                class.resting = true;
                hand_back(&self.shared, staged.delivery);
            }
        }
    }

    async fn drain(mut self, drain: Duration) {
        for class in &mut self.classes {
            if let Some(staged) = class.staged.take() {
                hand_back(&self.shared, staged.delivery);
            }
        }
        let running = self.attempts.len();
        if running > 0 {
            tracing::info!(running, "waiting for attempts to end");
        }
        let deadline = Instant::now() + drain;
        // An answer to a poll that was dropped would be lost for half a minute; so polls are waited
        // for, which takes no longer than one stays open.
        let shared = Arc::clone(&self.shared);
        let mut polls = std::mem::take(&mut self.polls);
        let polls = async move {
            while let Some(polled) = polls.join_next().await {
                if let Ok((_, Ok(Some(delivery)))) = polled {
                    hand_back(&shared, delivery);
                }
            }
        };
        tokio::join!(polls, self.end_attempts(deadline));
        self.shared.deliveries.close();
        // What the queue does not hear now comes again, and the log tells that it is over.
        let _heard = tokio::time::timeout(LAST_WORDS, self.shared.deliveries.wait()).await;
    }

    /// Waits for attempts until `deadline` and has the others handed back.
    async fn end_attempts(&mut self, deadline: Instant) {
        let all = async |attempts: &mut JoinSet<()>| while attempts.join_next().await.is_some() {};
        if timeout_at(deadline, all(&mut self.attempts)).await.is_ok() {
            return;
        }
        tracing::info!(running = self.attempts.len(), "handing attempts back");
        self.shared.draining.cancel();
        let rest = tokio::time::timeout(HAND_BACK, all(&mut self.attempts));
        if rest.await.is_err() {
            tracing::warn!(
                running = self.attempts.len(),
                "attempts are left to other workers"
            );
        }
    }
}

/// How many of `slots` are for critical work alone: a tenth, at least one, but not the only one.
fn reserve(slots: usize) -> usize {
    if slots == 1 { 0 } else { (slots / 10).max(1) }
}

/// How long it has waited `now`, given when another machine says it was queued.
fn age(queued_at: Timestamp, now: Timestamp) -> Duration {
    Duration::from_millis(now.since_ms(queued_at).max(0) as u64)
}

fn hand_back(shared: &Shared, delivery: Delivery) {
    shared.deliveries.spawn(async move {
        if let Err(reason) = delivery.hand_back(Duration::ZERO).await {
            tracing::debug!(%reason, "a delivery was not handed back: it comes again by itself");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_reserved() {
        let reserves = [1, 2, 10, 19, 20, 100].map(reserve);
        assert_eq!(reserves, [0, 1, 1, 1, 2, 10]);
    }

    #[test]
    fn what_another_clock_queued_in_the_future_is_new() {
        let now = Timestamp::from_unix_ms(1_800_000_000_000);
        assert_eq!(age(now.plus_ms(-2_500), now), Duration::from_millis(2_500));
        assert_eq!(age(now.plus_ms(2_500), now), Duration::ZERO);
    }
}
