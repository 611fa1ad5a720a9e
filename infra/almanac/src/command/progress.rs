//! How far a long walk has come, for whoever watches a terminal.
//!
//! Invariant: where standard error is no terminal nothing is written, and what is written is wiped
//! away before anything else is said.

use std::{
    io::{IsTerminal as _, Write as _, stderr},
    time::{Duration, Instant},
};

/// How often to tell.
const EVERY: Duration = Duration::from_millis(250);

/// Tells of a walk.
pub(super) struct Progress {
    began: Instant,
    is_watched: bool,
    told: Option<Instant>,
}

impl Progress {
    pub(super) fn begin() -> Self {
        Self {
            began: Instant::now(),
            is_watched: stderr().is_terminal(),
            told: None,
        }
    }

    /// It has come to `at` of `of`.
    pub(super) fn tell(&mut self, at: u64, of: u64) {
        let since = self.told.unwrap_or(self.began);
        if !self.is_watched || since.elapsed() < EVERY {
            return;
        }
        self.told = Some(Instant::now());
        // Nobody watches any more if it cannot be written.
        let _unwatched = write!(stderr(), "\r\x1b[K{}", line(at, of, self.began.elapsed()));
    }

    /// Wipes away what was told.
    pub(super) fn end(&mut self) {
        if self.told.take().is_some() {
            let _unwatched = write!(stderr(), "\r\x1b[K");
        }
    }
}

fn line(at: u64, of: u64, took: Duration) -> String {
    let rate = at as f64 / took.as_secs_f64().max(0.001);
    let left = of.saturating_sub(at) as f64 / rate.max(1.0);
    let percent = at * 100 / of.max(1);
    format!("{percent:>3} %  {at} of {of}  {rate:.0}/s  {left:.0} s left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_long_it_will_take() {
        let told = line(250, 1_000, Duration::from_secs(1));
        assert_eq!(told, " 25 %  250 of 1000  250/s  3 s left");
    }
}
