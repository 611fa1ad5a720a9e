//! Load in a closed loop: each of so many actors does the next thing as soon as the last is done.
//!
//! Invariant: only what began and ended within the measured time counts, so neither warming up nor
//! running out flatters or spoils a figure.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;

use crate::latency::Latencies;

/// How often a point is measured; the round in the middle is what is printed.
pub const ROUNDS: usize = 3;

/// What one actor does over and over.
pub trait Step: Send + 'static {
    /// Does it once.
    fn step(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// How long to measure, and how long to run before.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// How long one point is measured.
    pub measure: Duration,
    /// How long it runs before.
    pub warm_up: Duration,
}

/// What was measured.
#[derive(Clone)]
pub struct Measured {
    /// How long each took.
    pub latencies: Latencies,
    /// How many per second.
    pub rate: f64,
}

impl Scale {
    /// Points of so many seconds; a short look if not told.
    pub fn new(seconds: Option<f64>) -> Self {
        let measure = Duration::from_secs_f64(seconds.unwrap_or(1.5));
        Self {
            measure,
            warm_up: measure / 4,
        }
    }

    /// At least this long, where there are too few in a second to tell a 99th part.
    pub fn at_least(self, measure: Duration) -> Self {
        let measure = self.measure.max(measure);
        Self {
            measure,
            warm_up: measure / 4,
        }
    }

    /// Half as long, where many points are measured.
    pub fn halved(self) -> Self {
        Self {
            measure: self.measure / 2,
            warm_up: self.warm_up / 2,
        }
    }

    /// Warming up and measuring together.
    pub fn whole(self) -> Duration {
        self.measure + self.warm_up
    }
}

impl Measured {
    /// `latencies` of what was done within `span`.
    pub fn within(latencies: Latencies, span: Duration) -> Self {
        let rate = latencies.count() as f64 / span.as_secs_f64();
        Self { latencies, rate }
    }
}

/// Lets all actors work side by side; the first failure ends it.
pub async fn closed_loop<S: Step>(scale: Scale, actors: Vec<S>) -> Result<Measured> {
    let begin = Instant::now() + scale.warm_up;
    let end = begin + scale.measure;
    let mut working = JoinSet::new();
    for mut actor in actors {
        working.spawn(async move {
            let mut latencies = Latencies::new();
            loop {
                let started = Instant::now();
                if started >= end {
                    return Ok::<_, anyhow::Error>(latencies);
                }
                actor.step().await?;
                let done = Instant::now();
                if done >= begin && done < end {
                    latencies.record(done - started);
                }
            }
        });
    }
    let mut all = Latencies::new();
    while let Some(ended) = working.join_next().await {
        all.add(&ended.context("an actor panicked")??);
    }
    Ok(Measured::within(all, scale.measure))
}

/// The one in the middle by rate, of an odd number of rounds.
pub fn median(rounds: Vec<Measured>) -> Result<Measured> {
    median_by(rounds, |round| round.rate)
}

/// The one in the middle by `rate`, of an odd number of rounds, with all that was noted of it.
pub fn median_by<T>(mut rounds: Vec<T>, rate: impl Fn(&T) -> f64) -> Result<T> {
    rounds.sort_by(|a, b| rate(a).total_cmp(&rate(b)));
    let middle = rounds.len() / 2;
    rounds
        .into_iter()
        .nth(middle)
        .context("no round was measured")
}

/// [`ROUNDS`] times the same, one after the other.
pub async fn rounds<T>(mut round: impl AsyncFnMut() -> Result<T>) -> Result<Vec<T>> {
    let mut measured = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        measured.push(round().await?);
    }
    Ok(measured)
}

/// How many in a second, of `count` since `began`.
pub fn rate(count: usize, began: Instant) -> f64 {
    count as f64 / began.elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Waits(Duration);

    impl Step for Waits {
        async fn step(&mut self) -> Result<()> {
            tokio::time::sleep(self.0).await;
            Ok(())
        }
    }

    #[tokio::test(start_paused = false)]
    async fn actors_work_side_by_side() {
        let scale = Scale::new(Some(0.2));
        let wait = Duration::from_millis(10);
        let actors = || (0..8).map(|_| Waits(wait)).collect::<Vec<_>>();
        let measured = closed_loop(scale, actors()).await.expect("measured");
        // Timers are never early, so the rate is never above the ideal one (and one at each edge).
        let ideal = 8.0 / wait.as_secs_f64();
        assert!(
            measured.rate > 0.0 && measured.rate <= ideal * 1.06,
            "{}",
            measured.rate
        );
        assert!(measured.latencies.quantile_ms(0.5) >= 10.0);
    }

    #[test]
    fn the_median_is_a_round_that_was_run() {
        let round = |rate| Measured {
            latencies: Latencies::new(),
            rate,
        };
        let middle = median(vec![round(3.0), round(1.0), round(2.0)]).expect("some");
        assert!((middle.rate - 2.0).abs() < f64::EPSILON);
        assert!(median(vec![]).is_err());
        let noted = vec![(5.0, 'a'), (4.0, 'b'), (6.0, 'c')];
        assert_eq!(median_by(noted, |round| round.0).expect("some").1, 'a');
    }

    #[tokio::test]
    async fn a_point_is_measured_so_many_times() {
        let mut count = 0;
        let rounds = rounds(async || {
            count += 1;
            Ok(count)
        });
        assert_eq!(rounds.await.expect("measured"), [1, 2, 3]);
    }
}
