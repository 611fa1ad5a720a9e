//! How much happened in each of the last sixty seconds.
//!
//! Invariant: what happened counts in the second in which it happened, however late it is heard of;
//! nothing is said of the time before anybody listened.

/// How many seconds are remembered.
pub const SECONDS: usize = 60;

/// Counts per second, the oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    counts: [u32; SECONDS],
    at_s: i64,
    /// When listening began.
    since_s: i64,
    /// How far the reader's clock is ahead of the server's, at most: the least time from a change
    /// to hearing of it.
    ahead_ms: i64,
}

impl Rate {
    /// Listening begins.
    pub const fn new(now_ms: i64) -> Self {
        Self {
            counts: [0; SECONDS],
            at_s: now_ms / 1_000,
            since_s: now_ms / 1_000,
            ahead_ms: i64::MAX,
        }
    }

    /// Listening begins anew: something may have been missed.
    pub const fn restart(&mut self, now_ms: i64) {
        *self = Self {
            ahead_ms: self.ahead_ms,
            ..Self::new(now_ms)
        };
    }

    /// Something happened `times` times at `at_ms`, by the server's clock, and is heard of now.
    pub fn add(&mut self, at_ms: i64, now_ms: i64, times: u32) {
        self.advance(now_ms);
        self.ahead_ms = self.ahead_ms.min(now_ms - at_ms);
        let late_s = (now_ms - at_ms - self.ahead_ms) / 1_000;
        let ago = usize::try_from(late_s).unwrap_or(0);
        if self.at_s - late_s >= self.since_s && ago < SECONDS {
            self.counts[SECONDS - 1 - ago] += times;
        }
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

    /// For how many seconds the counts speak.
    pub fn seconds(&self) -> usize {
        let listened = usize::try_from(self.at_s - self.since_s).unwrap_or(0);
        listened.min(SECONDS)
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
        rate.add(10_100, 10_100, 1);
        rate.add(10_900, 10_900, 2);
        rate.add(12_000, 12_000, 5);
        assert_eq!(rate.counts()[SECONDS - 3..], [3, 0, 5]);
        assert_eq!(rate.seconds(), 2);
        rate.advance(69_000);
        assert_eq!(rate.counts()[..3], [3, 0, 5]);
        rate.advance(70_000);
        assert_eq!(rate.counts()[..3], [0, 5, 0]);
        assert_eq!(rate.seconds(), SECONDS);
        rate.advance(1_000_000);
        assert_eq!(rate.total(), 0);
    }

    #[test]
    fn what_is_heard_late_counts_when_it_happened() {
        let mut rate = Rate::new(100_000);
        rate.add(100_000, 100_000, 1);
        // A stream that resumes tells all at once what was missed.
        for at_ms in [210_000, 270_000, 299_000] {
            rate.add(at_ms, 300_000, 7);
        }
        assert_eq!(rate.total(), 14, "the first is more than a minute old");
        assert_eq!(rate.counts()[SECONDS - 2..], [7, 0]);
        // After a gap nothing is said of the time before.
        rate.restart(301_000);
        rate.add(299_500, 301_000, 7);
        assert_eq!((rate.total(), rate.seconds()), (0, 0));
    }

    #[test]
    fn a_wrong_clock_moves_nothing() {
        for wrong_ms in [-600_000, 600_000] {
            let mut rate = Rate::new(1_000_000);
            rate.add(1_000_000 + wrong_ms, 1_000_000, 1);
            rate.add(1_005_000 + wrong_ms, 1_005_000, 2);
            assert_eq!(
                rate.counts()[SECONDS - 6..],
                [1, 0, 0, 0, 0, 2],
                "{wrong_ms}"
            );
        }
    }

    #[test]
    fn a_clock_set_back_changes_nothing() {
        let mut rate = Rate::new(50_000);
        rate.add(50_000, 50_000, 2);
        rate.add(50_000, 20_000, 1);
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
