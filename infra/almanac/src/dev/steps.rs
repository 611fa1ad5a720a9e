//! One line per step of a start.
//!
//! Invariant: a line is printed when its step is over, with its true duration.

use std::time::Instant;

/// A step under way.
pub struct Step {
    began: Instant,
    name: &'static str,
}

impl Step {
    /// Begins a step; the name is at most eleven characters.
    pub fn begin(name: &'static str) -> Self {
        Self {
            began: Instant::now(),
            name,
        }
    }

    /// Prints the line of a step that went well.
    pub fn done(self, detail: &str) {
        let took = self.began.elapsed().as_secs_f64();
        println!(" ✔ {:<13} {detail:<70} {took:>6.1}s", self.name);
    }
}
