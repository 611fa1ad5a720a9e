//! What a program prints, as lines of its attempt's log, while it prints.
//!
//! Invariant: nothing waits for the end of a line that does not come, and memory stays bounded.

use domain::LogLevel;

use crate::{handlers::text::printable, report::Report};

/// How much of a line waits for its end.
const PARTIAL_MAX: usize = 4 * 1024;

/// Cuts a stream into lines.
pub struct Lines {
    level: LogLevel,
    partial: Vec<u8>,
    report: Report,
}

impl Lines {
    /// Each line goes to `report` as one of `level`.
    pub const fn new(level: LogLevel, report: Report) -> Self {
        Self {
            level,
            partial: Vec::new(),
            report,
        }
    }

    /// Takes what was read.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(&rest[..end]);
            self.say();
            rest = &rest[end + 1..];
        }
        for piece in rest.chunks(PARTIAL_MAX) {
            self.partial.extend_from_slice(piece);
            if self.partial.len() > PARTIAL_MAX {
                self.say();
            }
        }
    }

    /// Says what is left.
    pub fn end(mut self) {
        if !self.partial.is_empty() {
            self.say();
        }
    }

    fn say(&mut self) {
        let line = self.partial.strip_suffix(b"\r").unwrap_or(&self.partial);
        self.report.log(self.level, printable(line));
        self.partial.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::report;

    #[test]
    fn lines_are_whole_however_they_are_read() {
        let report = report();
        let mut lines = Lines::new(LogLevel::Info, report.clone());
        for read in ["on", "e\r\ntwo\n\nth", "ree"] {
            lines.feed(read.as_bytes());
        }
        lines.end();
        let said: Vec<_> = report.lines().into_iter().map(|(_, text)| text).collect();
        assert_eq!(said, ["one", "two", "", "three"]);
    }

    #[test]
    fn a_line_without_an_end_is_said_in_parts() {
        let report = report();
        let mut lines = Lines::new(LogLevel::Warn, report.clone());
        lines.feed(&[b'x'; 3 * PARTIAL_MAX]);
        assert!(lines.partial.len() <= PARTIAL_MAX);
        lines.end();
        let said: usize = report.lines().iter().map(|(_, text)| text.len()).sum();
        assert_eq!(said, 3 * PARTIAL_MAX);
    }
}
