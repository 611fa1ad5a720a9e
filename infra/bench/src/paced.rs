//! Load beside what is measured: so many things a second, whatever becomes of those before.
//!
//! Invariant: what is late is done all the same, as soon as it can be, so the rate asked for is the
//! rate that is kept or the load says that it was not.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::{task::JoinSet, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::load::Step;

/// Load that is going on.
pub struct Paced {
    actors: JoinSet<Result<u64>>,
    began: Instant,
    ends: CancellationToken,
}

impl Paced {
    /// Begins: the actors together do `rate` steps a second.
    pub fn begin<S: Step>(actors: Vec<S>, rate: u32) -> Self {
        let ends = CancellationToken::new();
        let each = Duration::from_secs(1) * actors.len() as u32 / rate;
        let actors = actors.into_iter();
        Self {
            actors: actors.map(|actor| act(actor, each, ends.clone())).collect(),
            began: Instant::now(),
            ends,
        }
    }

    /// Ends it, and says how many a second there were.
    pub async fn end(mut self) -> Result<f64> {
        self.ends.cancel();
        let took = self.began.elapsed();
        let mut done = 0;
        while let Some(actor) = self.actors.join_next().await {
            done += actor??;
        }
        Ok(done as f64 / took.as_secs_f64())
    }
}

async fn act<S: Step>(mut actor: S, each: Duration, ends: CancellationToken) -> Result<u64> {
    let mut ticks = tokio::time::interval(each);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut done = 0;
    while ends.run_until_cancelled(ticks.tick()).await.is_some() {
        actor.step().await?;
        done += 1;
    }
    Ok(done)
}
