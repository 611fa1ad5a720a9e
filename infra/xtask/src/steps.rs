//! One line per step.
//!
//! Invariant: a line is printed when its step is over, with its true duration.

use std::time::{Duration, Instant};

/// A step under way.
pub struct Step {
    name: &'static str,
    started: Instant,
}

impl Step {
    /// Begins a step; the name is at most eleven characters.
    pub fn begin(name: &'static str) -> Self {
        Self {
            name,
            started: Instant::now(),
        }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Prints the line of a step that went well.
    pub fn done(self, detail: &str) {
        println!("{}", line('✔', self.name, detail, self.elapsed()));
    }
}

/// ` ✔ name          detail                     1.2s`
pub fn line(mark: char, name: &str, detail: &str, took: Duration) -> String {
    format!(
        " {mark} {name:<13} {detail:<70} {:>6.1}s",
        took.as_secs_f64()
    )
}
