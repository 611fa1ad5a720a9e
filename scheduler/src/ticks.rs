//! The heartbeat of the process: a few system ticks in UTC, driven by `tokio-cron-scheduler`.
//!
//! Jobs of users are never given to that crate: it drops ticks when many fall due together and
//! knows neither daylight saving nor durability. What it drives here may lose any tick: whoever
//! waits for one waits no longer than the tick's own backstop.
//!
//! Invariant: the body of a tick does nothing but wake somebody up.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// Enough for its few ticks however late their receivers are polled.
const CHANNEL: usize = 1_024;

/// The ticks there are.
#[derive(Clone, Debug)]
pub struct Ticks {
    /// Every 2 s: renew the lease, or try to take it.
    pub lease: Tick,
    /// Every 5 s: look for attempts that should have ended long ago.
    pub sweep: Tick,
    /// Every second: look at the clock, which may have jumped.
    pub watch: Tick,
}

/// One tick.
#[derive(Clone, Debug)]
pub struct Tick {
    backstop: Duration,
    beat: Arc<Notify>,
    last: Arc<Mutex<Instant>>,
}

/// Stops the ticks when it is dropped.
pub struct Heart(JobScheduler);

impl Ticks {
    /// Starts the ticks; they go on until the [`Heart`] is dropped.
    pub async fn start() -> Result<(Self, Heart), JobSchedulerError> {
        let scheduler = JobScheduler::new_with_channel_size(CHANNEL).await?;
        let ticks = Self {
            lease: tick(&scheduler, "*/2 * * * * *", Duration::from_secs(3)).await?,
            sweep: tick(&scheduler, "*/5 * * * * *", Duration::from_secs(10)).await?,
            watch: tick(&scheduler, "* * * * * *", Duration::from_secs(1)).await?,
        };
        scheduler.start().await?;
        Ok((ticks, Heart(scheduler)))
    }
}

impl Tick {
    /// Waits for the next beat, or for the backstop if that beat is lost. May be dropped and called
    /// again: the backstop counts from the last beat.
    pub async fn beat(&self) {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Either way it is time to act.
        let _elapsed = timeout_at(last + self.backstop, self.beat.notified()).await;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn new(backstop: Duration) -> Self {
        Self {
            backstop,
            beat: Arc::default(),
            last: Arc::new(Mutex::new(Instant::now())),
        }
    }
}

async fn tick(
    scheduler: &JobScheduler,
    pattern: &str,
    backstop: Duration,
) -> Result<Tick, JobSchedulerError> {
    let tick = Tick::new(backstop);
    let wake = Arc::clone(&tick.beat);
    let job = Job::new_async_tz(pattern, chrono::Utc, move |_, _| {
        let wake = Arc::clone(&wake);
        Box::pin(async move { wake.notify_one() })
    })?;
    scheduler.add(job).await?;
    Ok(tick)
}

impl Drop for Heart {
    fn drop(&mut self) {
        let mut scheduler = self.0.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // It only sets a flag; there is nothing to be done if it could not.
                let _stopped = scheduler.shutdown().await;
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn beats_come_from_the_cron_scheduler_before_the_backstop() {
        let (ticks, _heart) = Ticks::start().await.expect("ticks start");
        let mut lease = ticks.lease.clone();
        lease.backstop = Duration::from_mins(1);
        let asked = Instant::now();
        lease.beat().await;
        lease.beat().await;
        assert!(asked.elapsed() < Duration::from_secs(20));
    }

    #[tokio::test]
    async fn a_lost_beat_is_made_up_for() {
        let tick = Tick::new(Duration::from_millis(1));
        tick.beat().await;
    }
}
