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
/// How wide the bar is, in characters.
const WIDTH: u64 = 24;

/// Tells of a walk.
pub(super) struct Progress {
    began: Instant,
    is_watched: bool,
    /// What is done at present, and how far that had come when it began.
    step: (&'static str, u64),
    told: Option<Instant>,
}

impl Progress {
    pub(super) fn begin() -> Self {
        Self {
            began: Instant::now(),
            is_watched: stderr().is_terminal(),
            step: ("", 0),
            told: None,
        }
    }

    /// It has come to `at` of `of` with what is called `step`; another step than the one before has
    /// a pace of its own.
    pub(super) fn tell_step(&mut self, step: &'static str, at: u64, of: u64) {
        if self.step.0 != step {
            (self.began, self.step) = (Instant::now(), (step, at));
        }
        self.tell(at, of);
    }

    /// It has come to `at` of `of`.
    pub(super) fn tell(&mut self, at: u64, of: u64) {
        let since = self.told.unwrap_or(self.began);
        if !self.is_watched || since.elapsed() < EVERY {
            return;
        }
        self.told = Some(Instant::now());
        let told = line(self.step, at, of, self.began.elapsed());
        // Nobody watches any more if it cannot be written.
        let _unwatched = write!(stderr(), "\r\x1b[K{told}");
    }

    /// Wipes away what was told.
    pub(super) fn end(&mut self) {
        if self.told.take().is_some() {
            let _unwatched = write!(stderr(), "\r\x1b[K");
        }
    }
}

fn line((step, from): (&str, u64), at: u64, of: u64, took: Duration) -> String {
    let rate = at.saturating_sub(from) as f64 / took.as_secs_f64().max(0.001);
    let left = of.saturating_sub(at) as f64 / rate.max(1.0);
    let percent = (at * 100 / of.max(1)).min(100);
    let joint = if step.is_empty() { "" } else { "  " };
    let (bar, left) = (bar(at, of), span(left.round() as u64));
    format!("{step}{joint}{bar} {percent:>3} %  {at} of {of}  {rate:.0}/s  {left} left")
}

fn bar(at: u64, of: u64) -> String {
    let full = (at * WIDTH / of.max(1)).min(WIDTH) as usize;
    "█".repeat(full) + &"░".repeat(WIDTH as usize - full)
}

fn span(seconds: u64) -> String {
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_far_it_is_and_how_long_it_will_take() {
        let second = Duration::from_secs(1);
        let told = line(("", 0), 250, 1_000, second);
        let bar = "██████░░░░░░░░░░░░░░░░░░";
        assert_eq!(told, format!("{bar}  25 %  250 of 1000  250/s  3 s left"));
        // What was there before it began says nothing of its pace.
        let told = line(("catching up", 9_000), 9_010, 10_000, second);
        let bar = "█████████████████████░░░";
        let rest = "90 %  9010 of 10000  10/s  1 min 39 s left";
        assert_eq!(told, format!("catching up  {bar}  {rest}"));
    }

    #[test]
    fn a_bar_is_as_wide_as_ever_whatever_it_tells() {
        for (at, of) in [(0, 0), (0, 7), (7, 7), (9, 7)] {
            assert_eq!(bar(at, of).chars().count() as u64, WIDTH, "{at} of {of}");
        }
    }

    #[test]
    fn a_span_is_told_in_its_two_largest_units() {
        assert_eq!(
            [59, 61, 7_320].map(span),
            ["59 s", "1 min 1 s", "2 h 2 min"]
        );
    }
}
