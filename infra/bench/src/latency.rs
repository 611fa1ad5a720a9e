//! Latencies, as a histogram.
//!
//! Invariant: microseconds inside, three digits kept; nothing measured is dropped, however long.

use std::time::Duration;

use hdrhistogram::Histogram;

/// How long things took.
#[derive(Clone)]
pub struct Latencies(Histogram<u64>);

impl Latencies {
    /// None yet.
    pub fn new() -> Self {
        // Three significant digits always fit.
        Self(Histogram::new(3).expect("a valid precision"))
    }

    /// Takes in one.
    pub fn record(&mut self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        // `saturating_record` would cut off instead of growing.
        self.0
            .record(us)
            .expect("a histogram that grows takes any value");
    }

    /// Takes in all of another.
    pub fn add(&mut self, other: &Self) {
        self.0
            .add(&other.0)
            .expect("a histogram that grows takes any other");
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that this part of all (0 to 1) does not exceed, in milliseconds.
    pub fn quantile_ms(&self, part: f64) -> f64 {
        self.0.value_at_quantile(part) as f64 / 1_000.0
    }

    /// The longest, in milliseconds.
    pub fn max_ms(&self) -> f64 {
        self.0.max() as f64 / 1_000.0
    }
}

impl FromIterator<Duration> for Latencies {
    fn from_iter<I: IntoIterator<Item = Duration>>(all: I) -> Self {
        let mut latencies = Self::new();
        all.into_iter().for_each(|took| latencies.record(took));
        latencies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_what_was_recorded() {
        let latencies: Latencies = (1..=1_000).map(Duration::from_millis).collect();
        assert_eq!(latencies.count(), 1_000);
        assert!((latencies.quantile_ms(0.5) - 500.0).abs() < 1.0);
        assert!((latencies.quantile_ms(0.99) - 990.0).abs() < 1.0);
        assert!((latencies.max_ms() - 1_000.0).abs() < 1.0);
    }

    #[test]
    fn the_very_long_is_kept() {
        let latencies: Latencies = [Duration::from_hours(2)].into_iter().collect();
        assert!(latencies.max_ms() > 7_000_000.0);
    }
}
