//! How much happened in each of the last sixty seconds.
//!
//! Invariant: seconds in which nothing happened count as zero, also those that were never asked
//! about.

/// How many seconds are remembered.
pub const SECONDS: usize = 60;

/// Counts per second, the oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    counts: [u32; SECONDS],
    at_s: i64,
}

impl Rate {
    /// Nothing happened before `now_ms`.
    pub const fn new(now_ms: i64) -> Self {
        Self {
            counts: [0; SECONDS],
            at_s: now_ms / 1_000,
        }
    }

    /// Something happened `times` times at `now_ms`.
    pub fn add(&mut self, now_ms: i64, times: u32) {
        self.advance(now_ms);
        self.counts[SECONDS - 1] += times;
    }

    /// Counts up to the second before `now_ms`; the present one is not over yet.
    pub fn advance(&mut self, now_ms: i64) {
        let second = now_ms / 1_000;
        let passed = usize::try_from(second - self.at_s)
            .unwrap_or(0)
            .min(SECONDS);
        self.counts.rotate_left(passed % SECONDS);
        self.counts[SECONDS - passed..].fill(0);
        self.at_s = self.at_s.max(second);
    }

    /// The counts, the oldest first.
    pub const fn counts(&self) -> &[u32; SECONDS] {
        &self.counts
    }

    /// How many in all.
    pub fn total(&self) -> u32 {
        self.counts.iter().sum()
    }
}

/// The counts as the outline of an area, `width` by `height`, for an SVG path.
pub fn outline(counts: &[u32], width: f64, height: f64) -> String {
    let most = f64::from(counts.iter().copied().max().unwrap_or(0).max(1));
    let step = width / (counts.len().max(2) - 1) as f64;
    let points = counts.iter().enumerate().map(|(at, count)| {
        let y = height - height * f64::from(*count) / most;
        format!("L{:.1} {y:.1}", at as f64 * step)
    });
    let points: String = points.collect();
    format!("M0 {height:.0}{points}L{width:.0} {height:.0}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_pass() {
        let mut rate = Rate::new(10_000);
        rate.add(10_100, 1);
        rate.add(10_900, 2);
        rate.add(12_000, 5);
        assert_eq!(rate.counts()[SECONDS - 3..], [3, 0, 5]);
        rate.advance(69_000);
        assert_eq!(rate.counts()[..3], [3, 0, 5]);
        rate.advance(70_000);
        assert_eq!(rate.counts()[..3], [0, 5, 0]);
        rate.advance(1_000_000);
        assert_eq!(rate.total(), 0);
    }

    #[test]
    fn a_clock_set_back_changes_nothing() {
        let mut rate = Rate::new(50_000);
        rate.add(50_000, 2);
        rate.add(20_000, 1);
        assert_eq!(rate.total(), 3);
    }

    #[test]
    fn the_outline_is_closed_and_within_bounds() {
        assert_eq!(
            outline(&[0, 2, 1], 10.0, 4.0),
            "M0 4L0.0 4.0L5.0 0.0L10.0 2.0L10 4Z"
        );
        assert_eq!(outline(&[0, 0], 10.0, 4.0), "M0 4L0.0 4.0L10.0 4.0L10 4Z");
    }
}
